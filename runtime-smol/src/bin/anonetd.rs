//! `anonetd`; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    anonet_smol::anonetd::main()
}
