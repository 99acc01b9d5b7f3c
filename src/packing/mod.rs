//! Cuts the engine's module in two for a release: what nearly every page runs, and the rest, which a worker fetches when it
//! first calls a function of it. What is what is measured: [`mark`] writes a module that notes which functions run, pages run
//! what pages usually run, and [`select`] and [`cut`] make two modules of it that share memory, table and globals.
//!
//! The rest is not a library: any function may be in it, and calls cross in both directions. So nothing in the engine knows
//! of it but one function that the script has (`web::load_rest`).

pub mod cut;
pub mod mark;
pub mod module;
pub mod select;

#[cfg(test)]
mod tests;
