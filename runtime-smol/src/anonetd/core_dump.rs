//! The memory of this process holds transactions, passphrases and logins, and is not to be written anywhere.

use rustix::process::{Resource, Rlimit, setrlimit};

/// From now on the process leaves no core dump, however it ends. On Linux other processes of the same user cannot read its
/// memory or its environment either, unless they run as root.
pub(super) fn forbid() {
    let nothing = Rlimit { current: Some(0), maximum: Some(0) };
    // who is not allowed to lower a limit of its own is kept on a short leash already; there is no reason to stay down
    let _ = setrlimit(Resource::Core, nothing);
    // a core dump that is piped to a program has no limit
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
