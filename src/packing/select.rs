//! Chooses what the first part of the engine has.

use super::module::{Module, Unfit};

/// Parts of names of functions that the first part must have, run or not, with all that they call: what an engine does that
/// panics or has no memory left, when it cannot fetch anything.
const ALWAYS: [&str; 7] = [
    "panicking",
    "rust_panic",
    "panic_hook",
    "panic_handler",
    "alloc_error",
    "rust_oom",
    "capacity_overflow",
];

/// A function of so few bytes is shorter than what would stand for it.
const SHORT_BYTES: usize = 24;

/// Says of each function of a module's own whether the first part has it: those that `marks` has seen run, those that must not
/// be fetched, and short ones that call none. Fails where `marks` is not of this module.
pub fn first_part(module: &Module<'_>, marks: &[u8]) -> Result<Vec<bool>, Unfit> {
    let count = module.functions.len();
    if marks.len() < count {
        return Err(Unfit(format!(
            "there are marks of {} functions, and the module has {count}",
            marks.len()
        )));
    }
    let mut keep: Vec<bool> = marks[..count].iter().map(|mark| *mark != 0).collect();
    let is_always = |name: &str| ALWAYS.iter().any(|part| name.contains(part));
    let named = module.names.iter().filter(|(_, name)| is_always(name));
    let mut open: Vec<usize> = named.filter_map(|(function, _)| module.own(*function)).collect();
    let mut always = vec![false; count];
    while let Some(own) = open.pop() {
        if !std::mem::replace(&mut always[own], true) {
            keep[own] = true;
            open.extend(module.calls(own)?.into_iter().filter_map(|called| module.own(called)));
        }
    }
    for (own, body) in module.bodies.iter().enumerate() {
        if !keep[own] && body.as_bytes().len() <= SHORT_BYTES && module.calls(own)?.is_empty() {
            keep[own] = true;
        }
    }
    Ok(keep)
}
