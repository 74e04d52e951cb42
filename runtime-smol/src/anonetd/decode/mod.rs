//! `anonetd decode`: Levin frames as hex on stdin, one readable line for each on stdout.

mod field;
mod frames;
mod message;

use std::io::{Read, Write, stdin, stdout};

use serde_json::{Value, json};

use self::field::Field;
use self::frames::{Found, FrameReader, What};
use super::args::DecodeArgs;
use super::exit::Failure;
use super::hex::HexReader;

/// Bytes of text that are read at once.
const PIECE: usize = 64 << 10;

/// Prints a line for each frame as soon as it is complete. White space and line breaks in the input mean nothing.
pub(super) fn run(args: DecodeArgs) -> Result<(), Failure> {
    let (mut input, mut out) = (stdin().lock(), stdout().lock());
    decode(&mut input, &mut out, args.json)
}

fn decode(input: &mut impl Read, out: &mut impl Write, json: bool) -> Result<(), Failure> {
    let mut text = vec![0; PIECE];
    let (mut hex, mut bytes, mut frames) = (HexReader::default(), Vec::new(), FrameReader::default());
    let mut all_good = true;
    loop {
        let count = input.read(&mut text).map_err(|error| Failure::failed(format_args!("cannot read stdin: {error}")))?;
        bytes.clear();
        // what came before a bad character is still worth showing
        let read = hex.read(&text[..count], &mut bytes);
        let walked = frames.walk(&bytes, |found| {
            all_good &= found.fields().is_some_and(Result::is_ok) || found.fields().is_none();
            let line = if json { to_json(&found).to_string() } else { to_text(&found) };
            writeln!(out, "{line}").and_then(|()| out.flush())
        });
        walked.map_err(|error| Failure::output(&error))?.map_err(Failure::failed)?;
        read.map_err(|error| Failure::failed(format_args!("the input is no hex: {error}")))?;
        if count == 0 {
            break;
        }
    }
    hex.finish().map_err(|error| Failure::failed(format_args!("the input is no hex: {error}")))?;
    frames.finish().map_err(Failure::failed)?;
    if all_good { Ok(()) } else { Err(Failure::failed("at least one message is bad, see above")) }
}

fn to_json(found: &Found<'_>) -> Value {
    let mut line = json!({ "offset": found.offset, "kind": found.kind(), "bytes": found.length });
    match &found.what {
        What::Noise => {}
        What::Fragment { part } => line["part"] = json!(part),
        What::Message { command, code, fragments, fields, .. } => {
            line["command"] = json!(command);
            line["name"] = json!(message::name(*command));
            line["code"] = json!(code);
            line["fragments"] = json!(fragments);
            match fields {
                Some(Ok(fields)) => line["fields"] = fields.to_json(),
                Some(Err(error)) => line["error"] = json!(error.to_string()),
                None => {}
            }
        }
    }
    line
}

fn to_text(found: &Found<'_>) -> String {
    let mut line = format!("{:>8}  {:<8}", found.offset, found.kind());
    match &found.what {
        What::Noise => line += &format!("  {} bytes", found.length),
        What::Fragment { part } => line += &format!("  {part}  {} bytes", found.length),
        What::Message { command, code, fragments, fields, .. } => {
            line += &format!("  {} ({command})", message::name(*command).unwrap_or("unknown command"));
            if let Some(code) = code {
                line += &format!("  code {code}");
            }
            line += &format!("  {} bytes", found.length);
            if *fragments > 0 {
                line += &format!(" from {fragments} fragments");
            }
            match fields {
                Some(Ok(fields)) if !matches!(fields, Field::Group(all) if all.is_empty()) => line += &format!("  {fields}"),
                Some(Err(error)) => line += &format!("  BAD MESSAGE: {error}"),
                _ => {}
            }
        }
    }
    line
}

#[cfg(test)]
mod tests;
