//! Training in rounds: a learner asks, the executors answer with a summary of the rows that they keep, until the model is made.
//!
//! A learner is straight code: an asynchronous function that asks and waits. The driver runs a job for every question and
//! resumes the function with what came out; it never blocks. The columns of the dataset are computed once and stay on the executors
//! ([`Keep`]), as Spark persists what its learners read many times; a lost executor's rows are made anew.
//!
//! ```text
//!  learn(params, rounds)              driver                        executors
//!     rounds.ask(question) ────▶ Step::Ask ─round_relation─▶ job: Keep(columns) ─ summary(question) ─┐
//!     …answer ◀──────────── Run::next(state) ◀──────────────── one state, merged ◀───────────────────┘
//!     Ok(model) ───────────────▶ Step::Done
//! ```

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use arrow::datatypes::DataType;
use datafusion_expr::{Expr, LogicalPlanBuilder};
use prost::Message;

use super::attributes::Known;
use super::findings::Ask;
use super::literal::{Kind, Value};
use super::model::Model;
use super::params::Params;
use super::stage::{Columns, Learner, MakeSummary, Prepare, Role};
use super::summary;
use super::training::{relation, state, without_outputs};
use crate::error::{Exception, Result, SparkError};
use crate::ids::DatasetId;
use crate::kernels::kernel;
use crate::plan::analyzer::Analyzer;
use crate::plan::nodes::{self, Keep};
use crate::plan::relation::check_partitions;
use crate::plan::scope::Resolved;
use crate::proto as sc;

/// Type URL of a job that answers a learner. It is ours: no client sends it.
pub(super) const ROUND: &str = "type.rivulet/rivulet.ml.Round";

/// A learner that runs: straight code that asks.
pub type Learning = Pin<Box<dyn Future<Output = Result<Model>>>>;

/// What a learner asks of all rows.
#[derive(Clone, PartialEq, Message)]
pub struct Question {
    /// What the summary is to know, such as the weights so far: [`Learner::summary`] reads it.
    #[prost(bytes = "vec", tag = "1")]
    pub body: Vec<u8>,
    /// How rows are dealt out before; left where they are without.
    #[prost(message, optional, tag = "2")]
    deal: Option<Deal>,
    /// What [`Learner::prepare`] makes a column of, which is kept in the place of the first; as it is without.
    #[prost(bytes = "vec", optional, tag = "3")]
    prepared: Option<Vec<u8>>,
}

/// How rows are dealt out: those with equal values in a column are in one partition, or one row here, one row there.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Deal {
    /// The column, by its place in [`Learner::columns`]; a learner deals by each of them in one way only. Without, rows are dealt out in
    /// turn.
    #[prost(uint32, optional, tag = "1")]
    pub column: Option<u32>,
    /// The number of partitions.
    #[prost(uint32, tag = "2")]
    pub partitions: u32,
}

impl Deal {
    /// Checks the number of partitions that the stage of a name deals out rows to.
    ///
    /// # Errors
    /// `RIVULET_TOO_MANY_PARTITIONS` if there would be too many tasks.
    fn check(&self, stage: &str) -> Result<()> {
        check_partitions(stage, self.partitions as usize)
    }
}

/// A job that answers a question.
#[derive(Clone, PartialEq, Message)]
pub struct Round {
    /// The client's command to train, as it came.
    #[prost(bytes = "vec", tag = "1")]
    fit: Vec<u8>,
    /// Names the rows that executors keep for this training.
    #[prost(uint64, tag = "2")]
    dataset: u64,
    /// The question.
    #[prost(message, optional, tag = "3")]
    question: Option<Question>,
}

/// What passes between a learner and who runs it.
#[derive(Debug, Default)]
struct Turn {
    question: Option<Question>,
    answer: Option<Vec<u8>>,
}

/// How a learner asks.
#[derive(Debug, Clone, Default)]
pub struct Rounds {
    turn: Rc<RefCell<Turn>>,
    known: Rc<RefCell<Vec<Known>>>,
    parallelism: usize,
    before: Option<Arc<Model>>,
}

impl Rounds {
    /// Returns the way to ask in a session whose sources are cut into `parallelism` slices.
    pub fn new(parallelism: usize) -> Self {
        Self {
            parallelism,
            ..Self::default()
        }
    }

    /// Returns the model that training continues; `None` if it starts anew.
    pub fn before(&self) -> Option<&Model> {
        self.before.as_deref()
    }

    /// Returns into how many parts Spark deals out what it counts by key.
    pub fn parallelism(&self) -> usize {
        self.parallelism
    }

    /// Returns what the plan of the rows knows of a column, by its place in [`Learner::columns`]; nothing before the first answer.
    pub fn known(&self, column: usize) -> Known {
        self.known.borrow().get(column).cloned().unwrap_or_default()
    }

    /// Asks all rows, and waits for the merged state of their summaries.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the state is not such a message; what rows that training refuses raise ends the learner instead.
    pub async fn ask<M: Message + Default>(&self, question: &impl Message) -> Result<M> {
        self.put(Question {
            body: question.encode_to_vec(),
            ..Question::default()
        })
        .await
    }

    /// Asks all rows, with the column that `prepared` makes in the place of the first. It is made once, and stays for the next question
    /// of the kind; a training prepares one column only.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn ask_prepared<M: Message + Default>(
        &self,
        prepared: &impl Message,
        question: &impl Message,
    ) -> Result<M> {
        self.put(Question {
            body: question.encode_to_vec(),
            prepared: Some(prepared.encode_to_vec()),
            ..Question::default()
        })
        .await
    }

    /// Asks all rows, dealt out first. The rows stay as they were dealt, for the next question of the kind.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn ask_dealt<M: Message + Default>(&self, deal: Deal, question: &impl Message) -> Result<M> {
        self.put(Question {
            body: question.encode_to_vec(),
            deal: Some(deal),
            ..Question::default()
        })
        .await
    }

    async fn put<M: Message + Default>(&self, question: Question) -> Result<M> {
        self.turn.borrow_mut().question = Some(question);
        let bytes = Answer(self).await;
        state(&bytes)
    }
}

/// Waits for an answer.
struct Answer<'a>(&'a Rounds);

impl Future for Answer<'_> {
    type Output = Vec<u8>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Vec<u8>> {
        // Nobody wakes it: whoever brings the answer polls.
        self.0
            .turn
            .borrow_mut()
            .answer
            .take()
            .map_or(Poll::Pending, Poll::Ready)
    }
}

/// What a learner wants after an answer.
#[derive(Debug)]
pub enum Step {
    /// The answer to one more question.
    Ask(Question),
    /// Nothing: the model is made.
    Done(Box<Model>),
    /// Nothing: what was asked for is found.
    Found(Value, Kind),
}

/// How a run ends.
enum End {
    Model(Model),
    Found(Value, Kind),
}

/// A training in rounds, on the driver.
pub struct Run {
    rounds: Rounds,
    asking: Pin<Box<dyn Future<Output = Result<End>>>>,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("rounds", &self.rounds)
            .finish_non_exhaustive()
    }
}

impl Run {
    /// Begins the training of a stage, which may continue the model `before`; `None` if one job is all of it.
    pub fn of(params: &Params, parallelism: usize, before: Option<Arc<Model>>) -> Option<Self> {
        let Role::Learner(stage) = params.operator.role() else {
            return None;
        };
        let rounds = Rounds {
            before,
            ..Rounds::new(parallelism)
        };
        let learning = stage.learn(params.clone(), rounds.clone());
        Some(Self::new(rounds, learning))
    }

    fn new(rounds: Rounds, learning: Learning) -> Self {
        let asking = Box::pin(async { learning.await.map(End::Model) });
        Self { rounds, asking }
    }

    /// Begins to ask for a finding of a summary.
    pub fn of_finding(params: Params, ask: Ask) -> Self {
        let rounds = Rounds::default();
        let found = ask(params, rounds.clone());
        let asking = Box::pin(async { found.await.map(|(value, kind)| End::Found(value, kind)) });
        Self { rounds, asking }
    }

    /// Notes what the plan of the rows knows of their columns.
    pub fn knows(&self, known: &[Known]) {
        known.clone_into(&mut self.rounds.known.borrow_mut());
    }

    /// Continues with the answer to the question before; the first step has none.
    ///
    /// # Errors
    /// The learner's, such as that the dataset is empty.
    pub fn next(&mut self, answer: Option<Vec<u8>>) -> Result<Step> {
        self.rounds.turn.borrow_mut().answer = answer;
        let polled = self.asking.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        match polled {
            Poll::Ready(end) => Ok(match end? {
                End::Model(model) => Step::Done(Box::new(model)),
                End::Found(value, kind) => Step::Found(value, kind),
            }),
            Poll::Pending => {
                let asked = self.rounds.turn.borrow_mut().question.take();
                let asked = asked.ok_or_else(|| SparkError::internal("a learner waits without a question"))?;
                Ok(Step::Ask(asked))
            }
        }
    }
}

/// How many names of rows a training may need: one for all columns, one by each of the first six, one in turn, one with a column that
/// was prepared.
pub const NAMES: u64 = 9;

/// Which of the names is that of rows that are dealt out in turn.
const IN_TURN: u64 = 7;

/// Returns the relation of the job that answers a question: one row with one BINARY, the summary's state.
pub fn round_relation(fit: &sc::ml_command::Fit, dataset: DatasetId, question: Question) -> sc::Relation {
    let round = Round {
        fit: fit.encode_to_vec(),
        dataset: dataset.0,
        question: Some(question),
    };
    relation(ROUND, round.encode_to_vec())
}

impl Round {
    /// Returns the client's command and what is asked.
    ///
    /// # Errors
    /// If they cannot be read.
    pub(super) fn read(
        bytes: &[u8],
    ) -> std::result::Result<(sc::ml_command::Fit, DatasetId, Question), prost::DecodeError> {
        let round = Self::decode(bytes)?;
        let fit = sc::ml_command::Fit::decode(&round.fit[..])?;
        Ok((fit, DatasetId(round.dataset), round.question.unwrap_or_default()))
    }
}

impl Analyzer {
    /// Plans the answer to a question: the dataset's columns, kept, under one aggregate.
    ///
    /// # Errors
    /// If the dataset lacks a column that training reads, or has one that the model would add; if the question cannot be read.
    pub(super) fn ml_round(
        &mut self,
        params: &Params,
        stage: &dyn Learner,
        input: Resolved,
        (dataset, question): (DatasetId, Question),
    ) -> Result<Resolved> {
        without_outputs(params, &input)?;
        let columns: Columns = stage.columns(params)?;
        let reads = self.training_columns(&input, &columns)?;
        let known = columns.iter().map(|(name, _)| {
            let read = self.input_column(&input, name);
            read.map(|read| self.known_of(&read)).unwrap_or_default()
        });
        self.ml()?.known = known.collect();
        let names: Vec<String> = reads.iter().map(|_| self.fresh_id()).collect();
        let named = reads.into_iter().zip(&names).map(|(read, name)| read.alias(name));
        let plan = LogicalPlanBuilder::from(input.plan).project(named)?.build()?;
        let column = |name: &String| Expr::Column(datafusion_common::Column::new_unqualified(name.clone()));
        let keep = |dataset, keys, partitions| Keep {
            dataset,
            keys,
            partitions,
        };
        let mut plan = nodes::plan(keep(dataset, vec![], 0), plan)?;
        if let Some(deal) = question.deal {
            deal.check(params.operator.short())?;
            let columns = &names[..names.len().min(IN_TURN as usize - 1)];
            let by = deal.column.map(|by| {
                let by = columns.get(by as usize).map(column);
                by.ok_or_else(|| SparkError::internal("a learner deals out rows by a column that it does not read"))
            });
            let own = DatasetId(dataset.0 + deal.column.map_or(IN_TURN, |by| 1 + u64::from(by)));
            let keys = by.transpose()?.into_iter().collect();
            plan = nodes::plan(keep(own, keys, deal.partitions as usize), plan)?;
        }
        if let (Some(prepared), Some(first)) = (&question.prepared, names.first()) {
            let Prepare { to_type, body } = stage.prepare(params, prepared)?;
            let made = kernel::call("prepare", params.fingerprint(), to_type, vec![column(first)], body);
            let others = names[1..].iter().map(column);
            let columns: Vec<Expr> = std::iter::once(made.alias(first)).chain(others).collect();
            plan = LogicalPlanBuilder::from(plan).project(columns)?.build()?;
            plan = nodes::plan(keep(DatasetId(dataset.0 + NAMES - 1), vec![], 0), plan)?;
        }
        let made: MakeSummary = stage.summary(params, &question.body)?;
        let function = summary::aggregate(params.fingerprint(), made);
        let state = self.attribute("state", DataType::Binary, true);
        let call = function
            .call(names.iter().map(column).collect())
            .alias(state.id.clone());
        let plan = LogicalPlanBuilder::from(plan)
            .aggregate(Vec::<Expr>::new(), vec![call])?
            .build()?;
        Ok(Resolved::new(plan, vec![state], false))
    }
}

/// Returns the error of a dataset without rows, for learners that need some (`MLUtils`).
pub fn empty() -> SparkError {
    SparkError::new(Exception::Connect, "", "", "ML algorithm was given empty dataset.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::error::illegal;
    use crate::ml::stage::by_name;

    /// Asks for a number twice, and fails with their sum.
    async fn adds(rounds: Rounds) -> Result<Model> {
        let one: i64 = rounds.ask(&1_i64).await?;
        let deal = Deal {
            column: Some(2),
            partitions: 5,
        };
        let other: i64 = rounds.ask_dealt(deal, &one).await?;
        Err(illegal(format!("{}", one + other)))
    }

    #[test]
    fn a_learner_continues_where_it_asked() {
        let rounds = Rounds::default();
        let learning: Learning = Box::pin(adds(rounds.clone()));
        let mut run = Run::new(rounds, learning);
        let Ok(Step::Ask(asked)) = run.next(None) else {
            panic!("no question")
        };
        assert_eq!((i64::decode(&asked.body[..]).unwrap(), asked.deal), (1, None));
        let Ok(Step::Ask(asked)) = run.next(Some(40_i64.encode_to_vec())) else {
            panic!("no question")
        };
        assert_eq!(i64::decode(&asked.body[..]).unwrap(), 40);
        assert_eq!(
            asked.deal.map(|deal| (deal.column, deal.partitions)),
            Some((Some(2), 5))
        );
        assert_eq!(run.next(Some(2_i64.encode_to_vec())).unwrap_err().message, "42");
    }

    #[test]
    fn rows_are_not_dealt_out_to_more_tasks_than_there_may_be() {
        let deal = |partitions| Deal {
            column: None,
            partitions,
        };
        deal(100_000).check("ALS").unwrap();
        let error = deal(i32::MAX as u32).check("ALS").unwrap_err();
        assert_eq!(error.condition.as_deref(), Some("RIVULET_TOO_MANY_PARTITIONS"));
        assert!(error.message.contains("`ALS`"), "{}", error.message);
    }

    #[test]
    fn stages_of_one_job_have_no_rounds() {
        let params = Params::new(
            by_name("org.apache.spark.ml.feature.IDF").unwrap(),
            "u",
            &Default::default(),
        );
        assert!(Run::of(&params.unwrap(), 2, None).is_none());
    }
}
