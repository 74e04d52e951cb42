//! `anonetd check`: whether a node with these options would work, and what to do if not.
//!
//! Nothing is started for others, no transaction is sent and nothing stays behind: what it takes to know, such as a free
//! port or a place in the data directory, is given back at once.

mod daemon;
mod local;
mod peers;
mod proxies;

use std::io::{self, Write};

use serde::Serialize;
use smol::Executor;

use super::args::CheckArgs;
use super::data_dir::DataDir;
use super::exit::Failure;
use super::logging;
use super::settings::Settings;
use crate::clock::Clock;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Grade {
    /// As it should be.
    Ok,
    /// It works, but is worth knowing.
    Warning,
    /// It does not work.
    Error,
}

impl Grade {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    /// What was looked at.
    subject: String,
    grade: Grade,
    /// How it is, and what to do about it.
    detail: String,
}

impl Finding {
    fn new(grade: Grade, subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { subject: subject.into(), grade, detail: detail.into() }
    }

    fn ok(subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Grade::Ok, subject, detail)
    }

    fn warning(subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Grade::Warning, subject, detail)
    }

    fn error(subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Grade::Error, subject, detail)
    }
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report<'f> {
    works: bool,
    findings: &'f [Finding],
}

/// Looks at everything, prints what it finds, and fails if something does not work.
pub(super) fn run(args: CheckArgs) -> Result<(), Failure> {
    let settings = Settings::new(&args.run).map_err(Failure::usage)?;
    logging::filter(&args.run.log_level).map_err(Failure::usage)?;
    let dir = DataDir::new(args.run.data.data_dir.clone()).map_err(Failure::usage)?;
    let findings = find(&settings, &dir);
    let works = findings.iter().all(|finding| finding.grade != Grade::Error);
    let printed = if args.json { json(&findings, works) } else { text(&findings) };
    io::stdout().write_all(printed.as_bytes()).map_err(|error| Failure::output(&error))?;
    if works { Ok(()) } else { Err(Failure::Silent) }
}

fn find(settings: &Settings, dir: &DataDir) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for remark in &settings.remarks {
        let finding = match remark {
            remark if remark.is_error() => Finding::error,
            remark if remark.is_harmless() => Finding::ok,
            _ => Finding::warning,
        };
        findings.push(finding("options", remark.to_string()));
    }
    findings.extend(local::addresses(&settings.service.config));
    findings.extend(local::places(settings, dir));
    let executor = Executor::new();
    smol::block_on(executor.run(async {
        findings.extend(proxies::find(&settings.service).await);
        findings.extend(daemon::find(settings.daemon.as_ref()).await);
        findings.extend(peers::find(&executor, Clock::start(), &settings.service).await);
    }));
    findings
}

fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { subject, grade, detail } in findings {
        text.push_str(&format!("{:<8} {subject}: {detail}\n", grade.name()));
    }
    let count = |grade| findings.iter().filter(|finding| finding.grade == grade).count();
    let (errors, warnings) = (count(Grade::Error), count(Grade::Warning));
    text.push_str(&match (errors, warnings) {
        (0, 0) => "all is well\n".to_owned(),
        (0, warnings) => format!("it works; warnings: {warnings}\n"),
        (errors, warnings) => format!("it does not work; errors: {errors}, warnings: {warnings}\n"),
    });
    text
}

fn json(findings: &[Finding], works: bool) -> String {
    // plain data always serializes
    let report = serde_json::to_string_pretty(&Report { works, findings }).unwrap_or_default();
    format!("{report}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_for_each_and_one_for_all() {
        let ok = Finding::ok("a", "fine");
        let warning = Finding::warning("b", "hm");
        let error = Finding::error("c", "broken: mend it");
        assert_eq!(text(std::slice::from_ref(&ok)), "ok       a: fine\nall is well\n");
        assert!(text(&[ok.clone(), warning.clone()]).ends_with("warning  b: hm\nit works; warnings: 1\n"));
        let all = text(&[ok.clone(), warning, error.clone()]);
        assert!(all.ends_with("error    c: broken: mend it\nit does not work; errors: 1, warnings: 1\n"), "{all}");
        let report: serde_json::Value = serde_json::from_str(&json(&[ok, error], false)).unwrap();
        assert_eq!((&report["works"], &report["findings"][1]["grade"]), (&false.into(), &"error".into()));
    }
}
