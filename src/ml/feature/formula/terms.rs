//! Terms of a formula, and which columns they stand for (`RFormulaParser`, `ParsedRFormula.resolve`).

use std::collections::HashSet;

use super::parse::Formula;
use crate::error::Result;
use crate::ml::error::illegal;

/// Most terms of a formula, and most columns in all of them.
const MOST: usize = 1 << 16;

/// What a term multiplies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    /// A column.
    Column(String),
    /// Each column but the label (`.`).
    Dot,
}

/// One term.
#[derive(Debug, Clone, PartialEq)]
enum Term {
    /// Whether there is an intercept.
    Intercept(bool),
    /// One variable as it is.
    Variable(Variable),
    /// Variables multiplied with each other.
    Interaction(Vec<Variable>),
    /// Nothing: an interaction with an intercept.
    Nothing,
}

impl Term {
    /// Returns the variables that it multiplies.
    fn variables(&self) -> &[Variable] {
        match self {
            Self::Variable(one) => std::slice::from_ref(one),
            Self::Interaction(all) => all,
            Self::Intercept(_) | Self::Nothing => &[],
        }
    }

    /// Returns the interaction of two terms.
    fn interact(&self, other: &Self) -> Self {
        let (left, right) = (self.variables(), other.variables());
        if left.is_empty() || right.is_empty() {
            return Self::Nothing;
        }
        Self::Interaction([left, right].concat())
    }
}

/// Terms one after the other, each added or taken away.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Terms(Vec<(bool, Term)>);

impl Terms {
    /// Returns one variable.
    pub fn of(variable: Variable) -> Self {
        Self(vec![(true, Term::Variable(variable))])
    }

    /// Returns the term that says whether there is an intercept.
    pub fn intercept(is_there: bool) -> Self {
        Self(vec![(true, Term::Intercept(is_there))])
    }

    /// Checks that terms are not too many.
    fn within(self) -> Result<Self> {
        let columns: usize = self.0.iter().map(|(_, term)| 1 + term.variables().len()).sum();
        if columns > MOST {
            return Err(illegal(format!(
                "The terms of the formula, multiplied out, are more than {MOST}."
            )));
        }
        Ok(self)
    }

    /// Returns these terms and then others.
    ///
    /// # Errors
    /// If they are too many.
    pub fn plus(&self, other: Self) -> Result<Self> {
        let mut all = self.clone();
        all.0.extend(other.0);
        all.within()
    }

    /// Returns these terms without others, and without what those take away.
    ///
    /// # Errors
    /// If they are too many.
    pub fn minus(&self, other: Self) -> Result<Self> {
        let gone = other.0.into_iter().map(|(_, term)| (false, term));
        self.plus(Self(gone.collect()))
    }

    /// Returns each of these terms multiplied with each of others.
    ///
    /// # Errors
    /// If they are too many.
    pub fn interact(&self, other: &Self) -> Result<Self> {
        if self.0.len().saturating_mul(other.0.len()) > MOST {
            // Fails, and makes no room for them first.
            return self.plus(other.clone())?.plus(Self(vec![(true, Term::Nothing); MOST]));
        }
        let mut all = vec![];
        for (left_adds, left) in &self.0 {
            for (right_adds, right) in &other.0 {
                // A term that is added to one that is taken away comes after it.
                let product = match (left_adds, right_adds) {
                    (true, false) => right.interact(left),
                    _ => left.interact(right),
                };
                all.push((*left_adds && *right_adds, product));
            }
        }
        Self(all).within()
    }

    /// Returns these terms, others, and their interactions.
    ///
    /// # Errors
    /// If they are too many.
    pub fn cross(&self, other: &Self) -> Result<Self> {
        let products = self.interact(other)?;
        self.plus(other.clone())?.plus(products)
    }

    /// Returns these terms crossed with themselves, `degree` times in all.
    ///
    /// # Errors
    /// If they are too many.
    pub fn power(&self, degree: usize) -> Result<Self> {
        let mut so_far = self.clone();
        for _ in 1..degree {
            so_far = so_far.cross(self)?;
        }
        Ok(so_far)
    }

    /// Returns whether the formula has an intercept: what was said last; there is one if nothing was said.
    fn has_intercept(&self) -> bool {
        let said = self.0.iter().rev().find_map(|(adds, term)| match term {
            Term::Intercept(is_there) => Some(*adds == *is_there),
            _ => None,
        });
        said.unwrap_or(true)
    }
}

/// A formula over the columns of a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The column that is predicted; empty if the formula names none.
    pub label: String,
    /// The columns of each term; several interact.
    pub terms: Vec<Vec<String>>,
    /// Whether there is an intercept.
    pub has_intercept: bool,
}

impl Resolved {
    /// Returns the columns of all terms, once each, in alphabetical order.
    pub fn columns(&self) -> Vec<String> {
        let mut all: Vec<String> = self.terms.concat();
        all.sort_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
        all.dedup();
        all
    }
}

/// Returns the columns without those that were there before.
fn distinct(columns: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = vec![];
    for column in columns {
        if !kept.contains(&column) {
            kept.push(column);
        }
    }
    kept
}

/// Returns the columns in an order that does not depend on theirs.
fn set(columns: &[String]) -> Vec<String> {
    let mut sorted = columns.to_vec();
    sorted.sort();
    sorted
}

/// Returns the interactions that variables stand for, the shortest first; equal ones once.
///
/// # Errors
/// If they are too many.
fn expanded(variables: &[Variable], dot: &[String]) -> Result<Vec<Vec<String>>> {
    let mut so_far: Vec<Vec<String>> = vec![vec![]];
    for variable in variables.iter().rev() {
        let heads = match variable {
            Variable::Column(name) => std::slice::from_ref(name),
            Variable::Dot => dot,
        };
        if heads.len().saturating_mul(so_far.len()) > MOST {
            return Err(illegal(format!(
                "The terms of the formula, multiplied out, are more than {MOST}."
            )));
        }
        let mut seen = HashSet::new();
        let mut next = vec![];
        for head in heads {
            for rest in &so_far {
                let columns = distinct([std::slice::from_ref(head), rest].concat());
                if seen.insert(set(&columns)) {
                    next.push(columns);
                }
            }
        }
        next.sort_by_key(Vec::len);
        so_far = next;
    }
    Ok(so_far)
}

impl Formula {
    /// Returns the formula over a dataset; `dot` are the columns that `.` stands for, but for the label.
    ///
    /// # Errors
    /// If the terms are too many.
    ///
    /// ```
    /// use rivulet::ml::feature::formula::parse::parse;
    ///
    /// let columns = ["a", "b"].map(String::from);
    /// let resolved = parse("y ~ .*. - a")?.resolve(&columns)?;
    /// assert_eq!(resolved.terms, [vec!["b"], vec!["a", "b"]]);
    /// # Ok::<(), rivulet::error::SparkError>(())
    /// ```
    pub fn resolve(&self, dot: &[String]) -> Result<Resolved> {
        let dot: Vec<String> = dot.iter().filter(|c| **c != self.label).cloned().collect();
        let mut terms: Vec<Vec<String>> = vec![];
        let mut interactions = HashSet::new();
        for (adds, term) in &self.terms.0 {
            match (adds, term) {
                (true, Term::Variable(Variable::Dot)) => terms.extend(dot.iter().map(|c| vec![c.clone()])),
                (true, Term::Variable(Variable::Column(name))) => terms.push(vec![name.clone()]),
                (true, Term::Interaction(variables)) => {
                    let new = expanded(variables, &dot)?;
                    terms.extend(new.into_iter().filter(|columns| interactions.insert(set(columns))));
                }
                (false, Term::Variable(Variable::Dot)) => {
                    terms.retain(|columns| !matches!(&columns[..], [one] if dot.contains(one)));
                }
                (false, Term::Variable(Variable::Column(name))) => {
                    terms.retain(|columns| !matches!(&columns[..], [one] if one == name));
                }
                (false, Term::Interaction(variables)) => {
                    let gone: HashSet<_> = expanded(variables, &dot)?.iter().map(|c| set(c)).collect();
                    terms.retain(|columns| !gone.contains(&set(columns)));
                }
                (_, Term::Intercept(_) | Term::Nothing) => {}
            }
            if terms.len() > MOST {
                return Err(illegal(format!("The formula has more than {MOST} terms.")));
            }
        }
        let mut seen = HashSet::new();
        terms.retain(|columns| seen.insert(columns.clone()));
        Ok(Resolved {
            label: self.label.clone(),
            terms,
            has_intercept: self.terms.has_intercept(),
        })
    }
}
