//! The door for relations that rooms above planning add to it, so that planning imports none of them.
//!
//! An extension analyzes kinds of messages that the analyzer itself does not know, with the analyzer's
//! own means for inputs, ids and expressions. It is asked only about what nobody else has taken.

use std::any::Any;

use super::analyzer::Analyzer;
use super::scope::Resolved;
use crate::error::Result;
use crate::proto::relation::RelType;

/// Relations that a room above planning analyzes, such as those of machine learning.
pub trait Extension {
    /// Analyzes `node`, or returns `None` if the node is not one of this extension's.
    ///
    /// # Errors
    /// If the node is its own but cannot be analyzed: the extension's.
    fn relation(&self, analyzer: &mut Analyzer, node: &RelType) -> Option<Result<Resolved>>;
}

/// An extension and what it remembers while one plan is analysed; an analyzer has any number of them.
pub struct Extended {
    /// Which relations it adds.
    pub extension: &'static dyn Extension,
    /// Its own state; only the extension knows the type.
    pub state: Box<dyn Any>,
}
