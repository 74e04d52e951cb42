use std::fs::{self, Permissions};

use super::super::scratch::Scratch;
use super::super::settings::Settings;
use super::*;

/// A file that only this user can change.
fn file(scratch: &Scratch, content: impl AsRef<[u8]>) -> PathBuf {
    let path = scratch.path().join("anonet.toml");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

fn run(path: &Path, arguments: &[&str]) -> Result<RunArgs, CommandLineError> {
    let path = path.to_str().unwrap();
    let line = [&["anonetd", "run", "--config", path], arguments].concat();
    match parse(line.into_iter().map(OsString::from))?.command {
        Some(Command::Run(args)) => Ok(*args),
        other => panic!("{other:?}"),
    }
}

fn message(content: impl AsRef<[u8]>) -> String {
    let scratch = Scratch::new();
    match run(&file(&scratch, content), &[]) {
        Err(CommandLineError::File(error)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_kind_of_value() {
    let scratch = Scratch::new();
    let path = file(
        &scratch,
        "# Tor only\nno-public = true\nallow-no-isolation = false\nproxy = [\"tor,127.0.0.1:9050\"]\n\
         add-peer = [ # two\n  \"a\",\n  'b',\n]\nnetwork = \"stagenet\"\ndata-dir = \"/x\"\n",
    );
    let args = run(&path, &[]).unwrap();
    assert!(args.no_public && !args.allow_no_isolation);
    assert_eq!((args.proxy, args.add_peer), (vec!["tor,127.0.0.1:9050".into()], vec!["a".into(), "b".into()]));
    assert_eq!(format!("{:?} {:?}", args.network, args.data.data_dir), "Stagenet Some(\"/x\")");
    let empty = run(&file(&scratch, ""), &[]).unwrap();
    assert!(!empty.no_public && empty.proxy.is_empty());
}

#[test]
fn the_command_line_overrides_and_adds() {
    let scratch = Scratch::new();
    let path = file(&scratch, "network = \"stagenet\"\nstash = \"memory\"\nadd-peer = [\"file\"]\nno-public = true\n");
    let args = run(&path, &["--network", "testnet", "--add-peer", "line", "--no-public"]).unwrap();
    assert_eq!(format!("{:?} {:?}", args.network, args.stash), "Testnet Memory");
    assert_eq!(args.add_peer, ["line", "file"]);
    assert!(args.no_public);
    // also without the name of the command
    let cli = parse(["anonetd".into(), "--config".into(), path.clone().into_os_string()]).unwrap();
    assert_eq!(cli.run.add_peer, ["file"]);
}

#[test]
fn other_commands_take_what_concerns_them() {
    let scratch = Scratch::new();
    let path = file(&scratch, "no-public = true\ndata-dir = \"/there\"\n");
    let line = ["anonetd", "status", "--json", "--config", path.to_str().unwrap()];
    let Some(Command::Status(args)) = parse(line.map(OsString::from)).unwrap().command else { panic!("no status") };
    assert_eq!(args.data.data_dir, Some("/there".into()));
}

#[test]
fn a_bad_entry_is_named_with_its_line_and_its_fix() {
    for (content, line, says) in [
        ("no-public = true\nadd-pear = []", 2, "there is no option add-pear: add-peer exists"),
        ("no_public = true", 1, "there is no option no_public: no-public exists"),
        ("add_peer = []", 1, "there is no option add_peer: add-peer exists"),
        ("zzz = 1", 1, "there is no option zzz; the names are those of anonetd run --help"),
        ("config = \"other\"", 1, "config is for the command line"),
        ("help = true", 1, "help is for the command line"),
        ("[run]\nno-public = true", 1, "without [run]"),
        ("\n\nno-public = \"yes\"", 3, "no-public: write true or false"),
        ("no-public = 1", 1, "no-public: write true or false"),
        ("add-peer = \"1.2.3.4\"", 1, "add-peer: write a list"),
        ("add-peer = [\n\"1.2.3.4\",\n5]", 1, "add-peer: write text in quotes"),
        ("network = 1", 1, "network: write text in quotes"),
        ("network = [\"mainnet\"]", 1, "network: write text in quotes"),
        ("network = 2020-01-01", 1, "network: write text in quotes"),
        ("\nnetwork = \"main\"", 2, "invalid value 'main' for '--network"),
        ("no-public = true\nno-public = true", 2, "not TOML (duplicate key)"),
        ("no-public: true", 1, "not TOML"),
        ("\nproxy = [\"tor", 2, "not TOML"),
    ] {
        let said = message(content);
        assert!(said.contains(&format!("anonet.toml, line {line}: ")) && said.contains(says), "{content:?}: {said}");
    }
    assert!(message(b"a\n\xff").contains("line 2: this is not UTF-8"));
    let long = "#".repeat(MAX_LEN as usize);
    assert!(message(format!("{long}\n")).contains("longer than 1 MiB"));
    let scratch = Scratch::new();
    assert!(run(&file(&scratch, &long), &[]).is_ok());
    let missing = run(&scratch.path().join("absent"), &[]).unwrap_err().to_string();
    assert!(missing.contains("--config: cannot read") && missing.contains("absent"), "{missing}");
}

#[test]
fn a_value_that_makes_no_sense_is_named_with_its_line_and_never_shown() {
    let scratch = Scratch::new();
    let path = file(&scratch, "add-peer = [\n  \"1.2.3.4\",\n  \"node.secret.example\",\n]\n");
    let args = run(&path, &["--add-peer", "1.2.3.5"]).unwrap();
    let said = Settings::new(&args).unwrap_err().to_string();
    assert!(said.starts_with("--add-peer: ") && said.ends_with("anonet.toml, line 3)"), "{said}");
    assert!(!said.contains("secret"), "{said}");
    let args = run(&path, &["--add-peer", "other.example", "--add-peer", "1.2.3.5"]).unwrap();
    let said = Settings::new(&args).unwrap_err().to_string();
    assert!(said.ends_with("(value 1 of 4)"), "{said}");
    let path = file(&scratch, "\nrpc-bind = \"0.0.0.0:1\"");
    let said = Settings::new(&run(&path, &[]).unwrap()).unwrap_err().to_string();
    assert!(said.starts_with("--rpc-bind: ") && said.ends_with("line 2)"), "{said}");
}

#[test]
fn others_may_not_change_the_file_nor_read_a_password_in_it() {
    let scratch = Scratch::new();
    let login = "\nproxy = [\"socks5://me:hunter2@127.0.0.1:1\"]";
    for (mode, content, says) in [
        (0o644, "no-public = true", None),
        (0o666, "no-public = true", Some("chmod go-w")),
        (0o620, "", Some("chmod go-w")),
        (0o602, "", Some("chmod go-w")),
        (0o600, login, None),
        (0o640, login, Some("line 2: the file holds the login of a proxy")),
        (0o604, login, Some("chmod go-r")),
    ] {
        let path = file(&scratch, content);
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        match (run(&path, &[]), says) {
            (Ok(_), None) => {}
            (Err(error), Some(says)) => {
                let said = error.to_string();
                assert!(said.contains(says) && !said.contains("hunter2"), "{mode:o}: {said}");
            }
            (found, _) => panic!("{mode:o} {content:?}: {found:?}"),
        }
    }
}

#[test]
fn a_file_of_another_user_is_refused() {
    let scratch = Scratch::new();
    let path = file(&scratch, "no-public = true");
    if std::os::unix::fs::chown(&path, Some(65_534), None).is_err() {
        eprintln!("skipped: only root can give a file away");
        return;
    }
    match run(&path, &[]) {
        Err(CommandLineError::File(error @ ConfigFileError::Foreign { .. })) => {
            assert!(error.to_string().contains("run chown"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}
