//! What a summary says of a model over a dataset: `model.summary` over the one it was trained on, `model.evaluate(dataset)`.
//!
//! Nothing is computed before it is asked for. A finding is known at once, measured by the job of an evaluator over the model's
//! predictions, or asked for in rounds over the columns that the model was trained on.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::error::Result;
use crate::ml::learning::Rounds;
use crate::ml::literal::{Kind, Value};
use crate::ml::params::{Param, Params};
use crate::ml::stage;
use crate::proto as sc;

/// Reads a measure from an evaluation's state; the number is how many ranges Spark would sort scores in.
pub type Read = Box<dyn Fn(&[u8], usize) -> Result<(Value, Kind)>>;

/// What is found under a name.
pub enum Finding {
    /// A value.
    Known(Value, Kind),
    /// What an evaluation finds.
    Measured(Measure),
    /// What rows are asked for, in rounds, as the model's own training asks them.
    Asked(Ask),
}

/// What rows are asked for.
pub type Asking = Pin<Box<dyn Future<Output = Result<(Value, Kind)>>>>;

/// Begins to ask, given the model's params.
pub type Ask = Box<dyn FnOnce(Params, Rounds) -> Asking>;

impl fmt::Debug for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(value, _) => f.debug_tuple("Known").field(value).finish(),
            Self::Measured(measure) => f.debug_tuple("Measured").field(measure).finish(),
            Self::Asked(_) => f.write_str("Asked"),
        }
    }
}

/// An evaluation of predictions.
pub struct Measure {
    /// The evaluator's class.
    pub evaluator: &'static str,
    /// Its params.
    pub params: Vec<(&'static str, Value)>,
    /// What is taken of its state.
    pub read: Read,
}

impl fmt::Debug for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Measure");
        debug.field("evaluator", &self.evaluator).field("params", &self.params);
        debug.finish_non_exhaustive()
    }
}

impl Measure {
    /// Returns the evaluator's params.
    ///
    /// # Errors
    /// If the evaluator lacks one, which is a broken invariant.
    pub fn params(&self) -> Result<Params> {
        let mut params = Params::new(stage::by_name(self.evaluator)?, "summary", &sc::MlParams::default())?;
        for (name, value) in &self.params {
            params.put(name, value.clone())?;
        }
        Ok(params)
    }
}

/// Returns a param's string as a finding, such as the name of a column.
///
/// # Errors
/// If the param is not a string.
pub fn text(params: &Params, param: &Param) -> Result<Finding> {
    Ok(Finding::Known(Value::Text(params.text(param.name)?), Kind::Text))
}

/// Returns the name of the column of weights, which Spark makes up where none is set.
pub fn weight_column(params: &Params) -> Finding {
    let name = params.column("weightCol").unwrap_or_else(|| "weightCol".to_owned());
    Finding::Known(Value::Text(name), Kind::Text)
}
