//! What the front end makes of whole statements: written as short forms by [`render`], which leaves nothing out.

mod errors;
mod expressions;
mod queries;
mod render;
mod robustness;
mod statements;
mod types;
