//! `rivulet-pack mark ENGINE.wasm OUT.wasm` writes an engine that notes which functions run;
//! `rivulet-pack cut ENGINE.wasm MARKS FIRST.wasm REST.wasm` cuts the engine in two by such notes.
//!
//! It exits with 2 if the command line cannot be read, and with 1 if a file cannot be read or written.

use std::fs;
use std::process::ExitCode;

use rivulet::packing::module::{Module, Unfit};
use rivulet::packing::{cut, mark, select};

const USAGE: &str =
    "usage: rivulet-pack mark ENGINE.wasm OUT.wasm | rivulet-pack cut ENGINE.wasm MARKS FIRST.wasm REST.wasm";

fn read(path: &str) -> Result<Vec<u8>, Unfit> {
    fs::read(path).map_err(|error| Unfit(format!("{path}: {error}")))
}

fn write(path: &str, bytes: &[u8]) -> Result<(), Unfit> {
    fs::write(path, bytes).map_err(|error| Unfit(format!("{path}: {error}")))
}

fn marked(engine: &str, out: &str) -> Result<String, Unfit> {
    let bytes = read(engine)?;
    let module = Module::read(&bytes)?;
    write(out, &mark::marked(&module)?)?;
    Ok(format!("{} functions", module.functions.len()))
}

fn parts(engine: &str, marks: &str, first: &str, rest: &str) -> Result<String, Unfit> {
    let bytes = read(engine)?;
    let module = Module::read(&bytes)?;
    let keep = select::first_part(&module, &read(marks)?)?;
    let parts = cut::cut(&module, &keep)?;
    write(first, &parts.first)?;
    write(rest, &parts.rest)?;
    let kept = keep.iter().filter(|keep| **keep).count();
    Ok(format!(
        "{kept} of {} functions in the first part, {} bytes, with {} stubs; the rest {} bytes, with {} functions of the first part",
        keep.len(),
        parts.first.len(),
        parts.stubs,
        parts.rest.len(),
        parts.shared
    ))
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["mark", engine, out] => marked(engine, out),
        ["cut", engine, marks, first, rest] => parts(engine, marks, first, rest),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(Unfit(why)) => {
            eprintln!("rivulet-pack: {why}");
            ExitCode::FAILURE
        }
    }
}
