//! Whether the daemon answers.

use super::super::daemon::{DaemonSetup, Standing};
use super::Finding;

/// Asks it once how it is, if there is one.
pub(super) async fn find(daemon: Option<&DaemonSetup>) -> Option<Finding> {
    let setup = daemon?;
    let subject = "daemon";
    Some(match setup.ask().await {
        Ok(Standing::Up) => Finding::ok(subject, "it answers and is synchronized"),
        Ok(Standing::WrongNetwork) => {
            let fix = "name the right one with --daemon-address, or the right network with --network";
            Finding::error(subject, format!("it follows another Monero network: {fix}"))
        }
        Ok(_) => Finding::warning(subject, "it is not synchronized yet: what peers send waits until it is"),
        Err(why) => Finding::error(subject, why),
    })
}
