//! Which values of a param are valid (`ParamValidators`).

use crate::ml::literal::Value;

/// Which values of a param are valid; what is not is an `IllegalArgumentException` when it is put.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// Every value of the type.
    Any,
    /// Numbers from a bound on; NaN is invalid.
    AtLeast(f64),
    /// Numbers above a bound; NaN is invalid.
    Above(f64),
    /// Numbers between two bounds, which are themselves invalid.
    Between(f64, f64),
    /// Numbers from the first to the second, with both.
    Within(f64, f64),
    /// Numbers from the first on, below the second.
    WithinBelow(f64, f64),
    /// Numbers above the first, up to the second.
    AboveWithin(f64, f64),
    /// What a function says yes to.
    With(fn(&Value) -> bool),
    /// One of several words, compared with their case.
    OneOf(&'static [&'static str]),
    /// Lists of doubles from 0 on with at most one 0, as `HasThresholds` demands.
    Thresholds,
    /// Lists of indices from 0 on, each once.
    Indices,
    /// Lists of strings, each once.
    Distinct,
    /// Lists of numbers of which each is at least a bound.
    EachAtLeast(f64),
    /// Lists of at least three strictly increasing doubles, or lists of such lists; infinities are allowed at the ends.
    Splits,
}

impl Check {
    /// Returns whether a value is valid; a value of another type than the check is about never is.
    pub(super) fn holds(self, value: &Value) -> bool {
        let number = match value {
            Value::Int(v) => Some(*v as f64),
            Value::Double(v) => Some(*v),
            _ => None,
        };
        match (self, value) {
            (Self::Any, _) => true,
            (Self::AtLeast(least), _) => number.is_some_and(|v| v >= least),
            (Self::Above(bound), _) => number.is_some_and(|v| v > bound),
            (Self::Between(low, high), _) => number.is_some_and(|v| v > low && v < high),
            (Self::Within(low, high), _) => number.is_some_and(|v| v >= low && v <= high),
            (Self::WithinBelow(low, high), _) => number.is_some_and(|v| v >= low && v < high),
            (Self::AboveWithin(low, high), _) => number.is_some_and(|v| v > low && v <= high),
            (Self::With(is_valid), value) => is_valid(value),
            (Self::Indices | Self::Distinct, Value::List(values)) => {
                let negative = |v: &Value| matches!(v, Value::Int(i) if *i < 0);
                let again = |i: usize| values[..i].contains(&values[i]);
                !values.iter().any(negative) && !(0..values.len()).any(again)
            }
            (Self::EachAtLeast(least), Value::List(values)) => values.iter().all(|v| Self::AtLeast(least).holds(v)),
            (Self::OneOf(words), Value::Text(text)) => words.contains(&text.as_str()),
            (Self::Thresholds, Value::List(values)) => {
                let zeros = values.iter().filter(|v| matches!(v, Value::Double(0.0))).count();
                zeros <= 1 && values.iter().all(|v| matches!(v, Value::Double(t) if *t >= 0.0))
            }
            (Self::Splits, Value::List(values)) if matches!(values.first(), Some(Value::List(_))) => {
                values.iter().all(|v| self.holds(v))
            }
            (Self::Splits, Value::List(values)) => {
                values.len() >= 3
                    && values
                        .windows(2)
                        .all(|pair| matches!(pair, [Value::Double(a), Value::Double(b)] if a < b))
            }
            _ => false,
        }
    }
}
