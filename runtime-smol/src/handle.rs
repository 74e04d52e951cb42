//! The way to a running node from other tasks and threads.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use anonet_core::{Instant, LocalTx, Node, SubmitError, Submitted, TxId};
use smol::channel::{Receiver, Sender, bounded};
use thiserror::Error;

use crate::driver::Input;

/// The node has stopped: nothing reaches it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the node has stopped")]
pub struct Stopped;

/// Why a transaction did not get into the stash. Nothing was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SubmitFailure {
    /// The node did not take it.
    #[error(transparent)]
    Refused(#[from] SubmitError),
    /// There is no node any more.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Reaches a running node. Clones reach the same one; dropping them all does not stop it.
#[derive(Clone, Debug)]
pub struct Handle {
    inbox: Sender<Input>,
    /// Closes when the node has stopped and all its sockets are closed.
    stopped: Receiver<Infallible>,
    listening: Arc<[SocketAddr]>,
}

impl Handle {
    pub(crate) const fn new(inbox: Sender<Input>, stopped: Receiver<Infallible>, listening: Arc<[SocketAddr]>) -> Self {
        Self { inbox, stopped, listening }
    }

    /// Runs `f` on the node, in the task that owns it, and brings back what it returns. `f` must be short and must not
    /// block: every link waits meanwhile. Waits while the node is busy.
    ///
    /// # Errors
    /// [`Stopped`]; `f` may then have run or not.
    pub async fn call<R: Send + 'static>(&self, f: impl FnOnce(&mut Node, Instant) -> R + Send + 'static) -> Result<R, Stopped> {
        let (answer, answered) = bounded(1);
        let call = Box::new(move |node: &mut Node, now| {
            // nobody listens if the caller was dropped meanwhile
            let _ = answer.try_send(f(node, now));
        });
        self.inbox.send(Input::Call(call)).await.map_err(|_| Stopped)?;
        answered.recv().await.map_err(|_| Stopped)
    }

    /// Hands a transaction of this node's user over: [`Node::submit_tx`].
    ///
    /// # Errors
    /// [`SubmitFailure`]: nothing was kept. After [`Stopped`] it does not matter: what the node held is gone with it.
    pub async fn submit(&self, id: TxId, tx: LocalTx) -> Result<Submitted, SubmitFailure> {
        Ok(self.call(move |node, now| node.submit_tx(now, id, tx)).await??)
    }

    /// Stops the node, and returns when every task and socket of it is gone: at once, or after the half second that
    /// links have to write what is queued. Calling it again, also from other tasks, waits for the same end.
    pub async fn shutdown(&self) {
        // an error says that it has stopped, which is what is wanted
        let _ = self.call(|node, now| node.shutdown(now)).await;
        self.stopped().await;
    }

    /// Returns when the node has stopped, for whatever reason.
    pub async fn stopped(&self) {
        let _ = self.stopped.recv().await;
    }

    /// Where the node listens, in the order of [`Service::listeners`](crate::driver::Service::listeners), with the
    /// ports that the system chose.
    #[must_use]
    pub fn listening(&self) -> &[SocketAddr] {
        &self.listening
    }
}
