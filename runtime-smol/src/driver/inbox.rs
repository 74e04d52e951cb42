//! What reaches the driver.

use anonet_core::{Addr, ConnId, Instant, Node, ZoneId};
use smol::channel::{Receiver, RecvError};

use crate::dial::{Failure, Opened};
use crate::link::Received;

/// One thing that happened outside the driver's task.
#[expect(clippy::type_complexity, reason = "a name for the one complex type would only hide it")]
pub(crate) enum Input {
    /// A listener accepted a stream.
    Incoming { zone: ZoneId, from: Option<Addr>, opened: Opened },
    /// A dial succeeded.
    Dialed(ConnId, Opened),
    /// A dial failed.
    DialFailed(ConnId, Failure),
    /// A link's reader has read.
    Data(ConnId, Received),
    /// A link's writer has written all that is in the buffer.
    Wrote(ConnId, Vec<u8>),
    /// A link's stream takes no more bytes; some may still come from it.
    Unwritable(ConnId),
    /// A link's stream has ended.
    Gone(ConnId),
    /// Somebody wants something of the node.
    Call(Box<dyn FnOnce(&mut Node, Instant) + Send>),
}

/// The driver's end of the queue. When it is dropped, what waits in it is dropped too: the callers who still hope for an
/// answer then learn that none will come.
#[derive(Debug)]
pub(crate) struct Inbox(Receiver<Input>);

impl Inbox {
    pub(crate) const fn new(receiver: Receiver<Input>) -> Self {
        Self(receiver)
    }

    pub(crate) async fn next(&self) -> Result<Input, RecvError> {
        self.0.recv().await
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.0.close();
        while self.0.try_recv().is_ok() {}
    }
}
