//! File descriptors: each connection and each file takes one, and a process may have only so many.
//!
//! The system gives out the lowest number that is free, so the number of a new one says how many are left. Who comes in is
//! turned away while some are left for dials, and a dial is while some are left for the control socket and the store.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is kept free of a large limit; of a small one a quarter is.
const RESERVED: u64 = 32;

/// For whom a new descriptor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reserve {
    /// Peers and wallets that come in.
    Arrivals,
    /// Connections that this node opens.
    Dials,
}

/// How many this process may have.
pub(crate) fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Raises the limit to what is needed, as far as the system lets every process do that, and says what it is then.
pub(crate) fn raise(needed: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(needed, |most| most.min(needed));
    if current.is_some_and(|current| current < wanted) {
        // what was the limit before still is
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    }
    limit()
}

/// Whether the system says that there is none left, to this process or to all.
pub(crate) fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    Errno::from_io_error(error).is_some_and(|errno| matches!(errno, Errno::MFILE | Errno::NFILE))
}

/// Whether enough are left with this new one.
pub(crate) fn leaves(new: &impl AsRawFd, reserve: Reserve) -> bool {
    let number = u64::try_from(new.as_raw_fd()).unwrap_or_default();
    number < usable(limit(), reserve)
}

/// Whether no peer or wallet can be taken in.
pub(crate) fn run_out() -> bool {
    match File::open("/dev/null") {
        Ok(file) => !leaves(&file, Reserve::Arrivals),
        Err(error) => is_shortage(&error),
    }
}

const fn usable(limit: u64, reserve: Reserve) -> u64 {
    let reserved = if limit / 4 < RESERVED { limit / 4 } else { RESERVED };
    limit
        - match reserve {
            Reserve::Arrivals => reserved,
            Reserve::Dials => reserved / 2,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dials_reach_further_than_arrivals_and_neither_to_the_end() {
        for (limit, arrivals, dials) in
            [(1_024, 992, 1_008), (64, 48, 56), (8, 6, 7), (0, 0, 0), (u64::MAX, u64::MAX - 32, u64::MAX - 16)]
        {
            assert_eq!((usable(limit, Reserve::Arrivals), usable(limit, Reserve::Dials)), (arrivals, dials), "{limit}");
        }
    }

    #[test]
    fn a_limit_is_never_lowered_and_a_shortage_is_told_by_its_number() {
        let before = limit();
        assert_eq!(raise(1), before);
        assert!(is_shortage(&io::Error::from_raw_os_error(24)) && is_shortage(&io::Error::from_raw_os_error(23)));
        assert!(!is_shortage(&io::ErrorKind::ConnectionRefused.into()) && !run_out());
    }
}
