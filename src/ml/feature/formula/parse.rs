//! Formulas as text to their terms, as `RFormulaParser` reads them.
//!
//! ```text
//! formula      label? "~" sum                 sum          product (("+" | "-") product)*
//! product      interaction ("*" interaction)* interaction  power (":" power)*
//! power        term ("^" degree)?             term         "0" | "1" | column | "." | "(" sum ")"
//! ```
//!
//! White space stands anywhere between tokens. A column begins with a letter, or with a dot before a letter or `_`; what follows are
//! letters, digits, dots and `_`.

use super::terms::{Terms, Variable};
use crate::error::Result;
use crate::ml::error::illegal;

/// How deep parentheses may nest.
const DEEPEST: usize = 200;

/// A formula: what is predicted, and by which terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    /// The column that is predicted; empty if the formula names none.
    pub label: String,
    /// What it is predicted by, as written.
    pub terms: Terms,
}

/// Reads a formula.
///
/// # Errors
/// If it is not a formula; if its terms, powers and products multiplied out, are too many.
///
/// ```
/// use rivulet::ml::feature::formula::parse::parse;
///
/// let formula = parse("clicked ~ country * hour - 1")?;
/// assert_eq!(formula.label, "clicked");
/// assert!(parse("clicked ~ + country").is_err());
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
pub fn parse(text: &str) -> Result<Formula> {
    let mut parser = Parser {
        rest: text,
        depth: 0,
        failed: None,
    };
    let formula = parser.formula();
    if let Some(error) = parser.failed {
        return Err(error);
    }
    formula.ok_or_else(|| illegal(format!("Could not parse formula: {text}")))
}

/// What is left of a formula.
struct Parser<'a> {
    rest: &'a str,
    depth: usize,
    /// Why what can be read is refused.
    failed: Option<crate::error::SparkError>,
}

impl<'a> Parser<'a> {
    fn formula(&mut self) -> Option<Formula> {
        let label = self.column().unwrap_or_default().to_owned();
        if !self.takes('~') {
            return None;
        }
        let terms = self.sum()?;
        self.skip_space();
        self.rest.is_empty().then_some(Formula { label, terms })
    }

    /// Reads operands between operators, from the left.
    fn joined(
        &mut self,
        operand: fn(&mut Self) -> Option<Terms>,
        operators: &[char],
        join: fn(char, &Terms, Terms) -> Result<Terms>,
    ) -> Option<Terms> {
        let mut so_far = operand(self)?;
        while let Some(operator) = operators.iter().find(|o| self.takes(**o)) {
            let next = operand(self)?;
            so_far = self.checked(join(*operator, &so_far, next))?;
        }
        Some(so_far)
    }

    /// Keeps the error of terms that are too many.
    fn checked(&mut self, terms: Result<Terms>) -> Option<Terms> {
        terms.map_err(|error| self.failed = Some(error)).ok()
    }

    fn sum(&mut self) -> Option<Terms> {
        self.joined(Self::product, &['+', '-'], |operator, left, right| match operator {
            '+' => left.plus(right),
            _ => left.minus(right),
        })
    }

    fn product(&mut self) -> Option<Terms> {
        self.joined(Self::interaction, &['*'], |_, left, right| left.cross(&right))
    }

    fn interaction(&mut self) -> Option<Terms> {
        self.joined(Self::power, &[':'], |_, left, right| left.interact(&right))
    }

    fn power(&mut self) -> Option<Terms> {
        let base = self.term()?;
        if !self.takes('^') {
            return Some(base);
        }
        self.skip_space();
        let digits = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (degree, rest) = self.rest.split_at(digits);
        if degree.is_empty() || degree.starts_with('0') {
            return None;
        }
        self.rest = rest;
        // Terms are too many long before a degree is.
        let degree = degree.parse().unwrap_or(usize::MAX);
        self.checked(base.power(degree))
    }

    fn term(&mut self) -> Option<Terms> {
        if self.takes('0') {
            return Some(Terms::intercept(false));
        }
        if self.takes('1') {
            return Some(Terms::intercept(true));
        }
        if let Some(name) = self.column() {
            return Some(Terms::of(Variable::Column(name.to_owned())));
        }
        if self.takes('.') {
            return Some(Terms::of(Variable::Dot));
        }
        if !self.takes('(') {
            return None;
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            self.failed = Some(illegal(format!(
                "The parentheses of the formula nest deeper than {DEEPEST}."
            )));
            return None;
        }
        let inner = self.sum()?;
        self.depth -= 1;
        self.takes(')').then_some(inner)
    }

    fn column(&mut self) -> Option<&'a str> {
        self.skip_space();
        let mut chars = self.rest.chars();
        let begins = match chars.next()? {
            '.' => chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_'),
            first => first.is_ascii_alphabetic(),
        };
        if !begins {
            return None;
        }
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(name)
    }

    fn takes(&mut self, token: char) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_formula_is_refused_with_its_text() {
        // What Spark refuses.
        for text in [
            "",
            "y",
            "y a",
            "y ~",
            "y ~ -1",
            "y ~ +a",
            "y ~ a +",
            "y ~ a b",
            "y ~ 2",
            "y ~ a^0",
            "y ~ a^a",
            "y ~ a^2^2",
            "y ~ a - (- b)",
            "_y ~ a",
            "y ~ `a`",
            "y ~ (a",
            "y ~ a)",
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.message, format!("Could not parse formula: {text}"));
        }
    }

    #[test]
    fn terms_without_bound_and_nesting_without_bound_are_refused() {
        for text in [
            "y ~ (a+b)^1000000000",
            "y ~ (((a+b)^9)^9)^9",
            "y ~ a^99999999999999999999999",
        ] {
            assert!(parse(text).unwrap_err().message.contains("terms"), "{text}");
        }
        let deep = format!("y ~ {}a{}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(parse(&deep).unwrap_err().message.contains("nest"));
    }
}
