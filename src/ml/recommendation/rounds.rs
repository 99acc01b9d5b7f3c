//! Questions about ratings: who rated what, and the factors of one side by those of the other.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Float64Type, Int32Type};
use prost::Message;

use super::equations::{Equations, numbers_of};
use crate::error::Result;
use crate::ml::error::invalid_value;
use crate::ml::params::Params;
use crate::ml::summary::{Summary, check_room, corrupt};

/// The factors of users, or of items.
#[derive(Clone, PartialEq, Message)]
pub struct Side {
    /// The ids, each once.
    #[prost(int32, repeated, tag = "1")]
    pub ids: Vec<i32>,
    /// The factors of each id, one after the other.
    #[prost(float, repeated, tag = "2")]
    pub factors: Vec<f32>,
}

impl Side {
    /// Returns the place of each id.
    pub fn places(&self) -> HashMap<i32, usize> {
        self.ids.iter().enumerate().map(|(place, id)| (*id, place)).collect()
    }

    /// Returns the factors of the id at a place.
    pub fn at(&self, place: usize, rank: usize) -> &[f32] {
        &self.factors[place * rank..(place + 1) * rank]
    }
}

/// A question.
#[derive(Clone, PartialEq, Message)]
pub struct Asked {
    /// The column of those whose factors are asked for: 0 for users, 1 for items. Without, ids are asked for.
    #[prost(uint32, optional, tag = "1")]
    pub column: Option<u32>,
    /// The factors of the others.
    #[prost(message, optional, tag = "2")]
    pub others: Option<Side>,
}

/// The ids of users and of items.
#[derive(Clone, PartialEq, Message)]
pub struct Ids {
    /// Those of users, ascending.
    #[prost(int32, repeated, tag = "1")]
    pub users: Vec<i32>,
    /// Those of items, ascending.
    #[prost(int32, repeated, tag = "2")]
    pub items: Vec<i32>,
}

/// The factors that were asked for.
#[derive(Clone, PartialEq, Message)]
pub struct Solved {
    /// The factors, in no order.
    #[prost(message, required, tag = "1")]
    pub side: Side,
    /// Of equations without a single solution, the number of the first factor that nothing decides.
    #[prost(uint32, optional, tag = "2")]
    pub undecided: Option<u32>,
}

/// Reads the columns of ratings: users, items and ratings.
struct Ratings<'a> {
    users: &'a [i32],
    items: &'a [i32],
    ratings: &'a arrow::array::Float64Array,
    column: &'a str,
}

impl<'a> Ratings<'a> {
    fn new(columns: &'a [ArrayRef], column: &'a str) -> Self {
        Self {
            users: columns[0].as_primitive::<Int32Type>().values(),
            items: columns[1].as_primitive::<Int32Type>().values(),
            ratings: columns[2].as_primitive::<Float64Type>(),
            column,
        }
    }

    fn rating(&self, row: usize) -> Result<f32> {
        let rating = self.ratings.value(row);
        if self.ratings.is_null(row) || rating.is_nan() {
            return Err(invalid_value("Ratings MUST NOT be Null or NaN", self.column, row));
        }
        Ok(rating as f32)
    }
}

/// Finds who rated, and what was rated.
#[derive(Debug)]
pub(super) struct Known {
    /// Name of the column of ratings in errors.
    pub(super) column: String,
    pub(super) users: BTreeSet<i32>,
    pub(super) items: BTreeSet<i32>,
}

impl Summary for Known {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let ratings = Ratings::new(columns, &self.column);
        for row in 0..ratings.users.len() {
            ratings.rating(row)?;
        }
        self.users.extend(ratings.users);
        self.items.extend(ratings.items);
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = Ids::decode(state).map_err(|e| corrupt(&e))?;
        self.users.extend(other.users);
        self.items.extend(other.items);
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let ids = Ids {
            users: self.users.iter().copied().collect(),
            items: self.items.iter().copied().collect(),
        };
        ids.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        256 + 16 * (self.users.len() + self.items.len())
    }
}

/// How factors are solved for.
#[derive(Debug, Clone)]
pub(super) struct Solving {
    /// How many factors there are.
    pub(super) rank: usize,
    penalty: f64,
    /// Ratings are how sure we are of a liking, times this; without, they are what factors are to make.
    alpha: Option<f64>,
    without_negatives: bool,
    rating_column: String,
}

impl Solving {
    /// Reads the params.
    ///
    /// # Errors
    /// If a param is of another type.
    pub(super) fn of(params: &Params) -> Result<Self> {
        let implicit = params.bool("implicitPrefs")?;
        Ok(Self {
            rank: params.count("rank")?,
            penalty: params.double("regParam")?,
            alpha: implicit.then(|| params.double("alpha")).transpose()?,
            without_negatives: params.bool("nonnegative")?,
            rating_column: params.text("ratingCol")?,
        })
    }

    /// Solves equations; an error is the number of the first factor that nothing decides.
    fn solve(&self, equations: &Equations, count: u32) -> std::result::Result<Vec<f32>, u32> {
        let penalty = f64::from(count) * self.penalty;
        if self.without_negatives {
            Ok(equations.solve_without_negatives(penalty))
        } else {
            equations.clone().solve(penalty)
        }
    }
}

/// What all tasks know of the other side.
#[derive(Debug)]
pub(super) struct Others {
    side: Side,
    places: HashMap<i32, usize>,
    /// The sums over all of them, of which implicit ratings differ.
    all: Equations,
}

impl Others {
    /// Returns what a task knows of the other side.
    pub(super) fn new(side: Side, solving: &Solving) -> Arc<Self> {
        let mut all = Equations::new(solving.rank);
        if solving.alpha.is_some() {
            (0..side.ids.len()).for_each(|place| all.add(side.at(place, solving.rank), 0.0, 1.0));
        }
        Arc::new(Self {
            places: side.places(),
            side,
            all,
        })
    }
}

/// Solves for the factors of one side. Rows of one id are in one task.
#[derive(Debug)]
pub(super) struct Solve {
    column: usize,
    solving: Solving,
    others: Arc<Others>,
    /// By id: the equations, and how many ratings cost.
    equations: HashMap<i32, (Equations, u32)>,
    /// What other tasks have solved.
    solved: Solved,
}

impl Solve {
    /// Returns the task's empty summary for the ids of a column.
    pub(super) fn new(column: usize, solving: Solving, others: Arc<Others>) -> Self {
        Self {
            column,
            solving,
            others,
            equations: HashMap::new(),
            solved: Solved::default(),
        }
    }
}

impl Summary for Solve {
    fn update(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let Solving { rank, alpha, .. } = self.solving;
        let ratings = Ratings::new(columns, &self.solving.rating_column);
        let (own, others) = if self.column == 0 {
            (ratings.users, ratings.items)
        } else {
            (ratings.items, ratings.users)
        };
        for (row, (id, other)) in own.iter().zip(others).enumerate() {
            let rating = f64::from(ratings.rating(row)?);
            // Of a dataset that is another one each time it is computed, a row may be unknown.
            let Some(place) = self.others.places.get(other) else {
                continue;
            };
            let factors = self.others.side.at(*place, rank);
            let begun = || {
                let all = if alpha.is_some() {
                    self.others.all.clone()
                } else {
                    Equations::new(rank)
                };
                (all, 0)
            };
            if !self.equations.contains_key(id) {
                let ids = self.equations.len() + 1;
                check_room("The equations of a block of ids", ids.saturating_mul(numbers_of(rank)))?;
            }
            let (equations, count) = self.equations.entry(*id).or_insert_with(begun);
            match alpha {
                Some(alpha) => {
                    let sure = alpha * rating.abs();
                    let is_liked = rating > 0.0;
                    equations.add(factors, if is_liked { 1.0 + sure } else { 0.0 }, sure);
                    *count += u32::from(is_liked);
                }
                None => {
                    equations.add(factors, rating, 1.0);
                    *count += 1;
                }
            }
        }
        Ok(())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let other = Solved::decode(state).map_err(|e| corrupt(&e))?;
        self.solved.side.ids.extend(other.side.ids);
        self.solved.side.factors.extend(other.side.factors);
        self.solved.undecided = self.solved.undecided.or(other.undecided);
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let mut solved = self.solved.clone();
        for (id, (equations, count)) in &self.equations {
            match self.solving.solve(equations, *count) {
                Ok(factors) => {
                    solved.side.ids.push(*id);
                    solved.side.factors.extend(factors);
                }
                Err(undecided) => solved.undecided = Some(undecided),
            }
        }
        solved.encode_to_vec()
    }

    fn bytes(&self) -> usize {
        let rank = self.solving.rank;
        256 + self.equations.len() * (rank * (rank + 3) * 4 + 64) + self.solved.side.factors.len() * 4
    }
}
