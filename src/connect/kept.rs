//! Rows that clients want kept between queries: `persist`, `cache`, `CACHE TABLE`, checkpoints (`CacheManager`).
//!
//! What is kept is known by its message. The first job whose plan has it computes it before, by a [question](super::questions); the
//! rows stay with the session, and every later plan that has the same message reads them in its place.
//!
//! ```text
//! persist(m) ─▶ wanted ──first job with m──▶ underway ──rows──▶ kept ──unpersist(m)──▶ gone
//!                  ▲                             │
//!                  └──────── it fails ───────────┤
//!                                                └─ more than spark.driver.maxResultSize ─▶ too large: computed anew each time
//! ```
//!
//! Questions about a plan (its schema, how it would run) compute nothing.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use prost::Message;

use super::driver::Driver;
use super::rows::local_relation;
use super::session::Session;
use crate::error::{Result, SparkError};
use crate::exec::inputs::TaskReport;
use crate::ids::{PartitionId, StagePart};
use crate::plan::recursion::{QUESTION, Question};
use crate::plan::views;
use crate::proto as sc;
use crate::proto::execute_plan_response::ResponseType;
use crate::proto::relation::RelType;

/// How far the rows of something that is kept are.
#[derive(Debug, Clone, PartialEq)]
enum Rows {
    /// No job has needed them yet.
    Wanted,
    /// A job computes them; others do so for themselves.
    Underway,
    /// They are there, as a relation.
    There(Buffer),
    /// They are more than the driver takes: each job computes them.
    TooLarge,
}

/// Something that is kept.
#[derive(Debug)]
struct Kept {
    /// Where the client wants it; the rows are in the driver's memory whatever it says.
    level: sc::StorageLevel,
    /// Its rows.
    rows: Rows,
}

/// What a session keeps, by the name of the view that stands for its rows.
#[derive(Debug, Default)]
pub struct KeptRows {
    kept: BTreeMap<String, Kept>,
    /// Relations that are named by an id: those of checkpoints.
    named: BTreeMap<String, Buffer>,
}

/// Returns the level of `persist()` without one (`MEMORY_AND_DISK_DESER`).
fn usual_level() -> sc::StorageLevel {
    sc::StorageLevel {
        use_disk: true,
        use_memory: true,
        use_off_heap: false,
        deserialized: true,
        replication: 1,
    }
}

impl KeptRows {
    /// Notes that a relation is to be kept; what is kept already stays as it is, as in Spark.
    pub(super) fn persist(&mut self, relation: &sc::Relation, level: Option<sc::StorageLevel>) {
        let level = level.unwrap_or_else(usual_level);
        // Rows that came with the plan are at hand.
        let rows = match relation.rel_type {
            Some(RelType::LocalRelation(_)) => Rows::TooLarge,
            _ => Rows::Wanted,
        };
        if let Some(view) = views::kept_name(relation) {
            self.kept.entry(view).or_insert(Kept { level, rows });
        }
    }

    /// Lets a relation's rows go; returns whether they were to be kept.
    pub(super) fn unpersist(&mut self, relation: &sc::Relation) -> bool {
        views::kept_name(relation).is_some_and(|view| self.kept.remove(&view).is_some())
    }

    /// Lets all rows go, but those of checkpoints.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }

    /// Returns the level at which a relation is kept; nowhere at all if it is not.
    pub(super) fn level(&self, relation: &sc::Relation) -> sc::StorageLevel {
        let found = views::kept_name(relation).and_then(|view| self.kept.get(&view));
        let nowhere = sc::StorageLevel {
            replication: 1,
            ..Default::default()
        };
        found.map_or(nowhere, |kept| kept.level)
    }

    /// Returns whether a relation is kept, or is to be.
    pub(super) fn has(&self, relation: &sc::Relation) -> bool {
        !self.kept.is_empty() && views::kept_name(relation).is_some_and(|view| self.kept.contains_key(&view))
    }

    /// Adds the views that stand for rows: of those that nobody has computed only if a job is planned, which then computes them.
    pub(super) fn add_to(&self, views: &mut BTreeMap<String, Buffer>, fills: bool) {
        for (view, kept) in &self.kept {
            match &kept.rows {
                Rows::There(rows) => drop(views.insert(view.clone(), rows.clone())),
                Rows::Wanted if fills => drop(views.insert(view.clone(), Buffer::from(Vec::<u8>::new()))),
                Rows::Wanted | Rows::Underway | Rows::TooLarge => {}
            }
        }
        let named = self.named.iter();
        views.extend(named.map(|(id, relation)| (views::named(id), relation.clone())));
    }

    /// Notes how the rows of a view are; views that are not kept are nobody's.
    fn set(&mut self, view: &str, rows: Rows) {
        if let Some(kept) = self.kept.get_mut(view) {
            kept.rows = rows;
        }
    }
}

/// The most partitions that kept rows are in; beyond that, neighbours are put together.
const MOST_PARTITIONS: usize = 64;

/// Returns rows as a relation with the partitions that computed them, which is a union of them.
///
/// # Errors
/// If rows are not of the schema.
pub(super) fn in_partitions(
    schema: &SchemaRef,
    rows: &[RecordBatch],
    reports: &[(StagePart, TaskReport)],
) -> Result<sc::Relation> {
    let last = reports.iter().map(|(part, _)| part.stage).max();
    let of_last = reports.iter().filter(|(part, _)| Some(part.stage) == last);
    let mut counts: Vec<(PartitionId, usize)> = of_last
        .map(|(part, report)| (part.partition, usize::try_from(report.output_rows).unwrap_or(0)))
        .collect();
    counts.sort_unstable();
    let all = concat_batches(schema, rows)?;
    let is_known = counts.iter().map(|(_, rows)| rows).sum::<usize>() == all.num_rows();
    if !is_known || counts.len() < 2 {
        return local_relation(schema, rows);
    }
    let together = counts.len().div_ceil(MOST_PARTITIONS);
    let mut at = 0;
    let mut parts = vec![];
    for partition in counts.chunks(together) {
        let length = partition.iter().map(|(_, rows)| rows).sum();
        parts.push(local_relation(schema, &[all.slice(at, length)])?);
        at += length;
    }
    Ok(united(parts))
}

/// Returns the union of relations, with as few unions inside of one another as there can be.
fn united(mut parts: Vec<sc::Relation>) -> sc::Relation {
    while parts.len() > 1 {
        let mut pairs = vec![];
        let mut parts_left = parts.into_iter();
        while let Some(one) = parts_left.next() {
            pairs.push(match parts_left.next() {
                None => one,
                Some(other) => sc::Relation {
                    common: None,
                    rel_type: Some(RelType::SetOp(Box::new(sc::SetOperation {
                        left_input: Some(Box::new(one)),
                        right_input: Some(Box::new(other)),
                        set_op_type: sc::set_operation::SetOpType::Union.into(),
                        is_all: Some(true),
                        ..Default::default()
                    }))),
                },
            });
        }
        parts = pairs;
    }
    parts.pop().unwrap_or_default()
}

impl Driver {
    /// Notes that the rows of a view are being computed.
    pub(super) fn kept_begun(&mut self, session: &str, view: &str) {
        self.session(session).kept.set(view, Rows::Underway);
    }

    /// Keeps the rows of a view.
    pub(super) fn kept_found(&mut self, session: &str, view: &str, rows: &Buffer) {
        self.session(session).kept.set(view, Rows::There(rows.clone()));
    }

    /// Notes that the rows of a view could not be computed, or are too many; then what waits is called again and does without.
    pub(super) fn kept_failed(&mut self, session: &str, view: &str, error: &SparkError) -> bool {
        let kept = &mut self.session(session).kept;
        let is_too_large =
            error.condition.as_deref() == Some("RIVULET_MAX_RESULT_SIZE") && kept.kept.contains_key(view);
        kept.set(view, if is_too_large { Rows::TooLarge } else { Rows::Wanted });
        is_too_large
    }

    /// Cuts a relation's lineage: the client gets a name for its rows. They are computed now if it is `eager`, else by the first job.
    ///
    /// A checkpoint is kept in the driver's memory, whether it is `local` or not: it does not outlive the session.
    ///
    /// # Errors
    /// [`QUESTION`] until the rows are there; what analysis refuses.
    pub(super) fn checkpoint(
        &mut self,
        operation: &str,
        session: &str,
        command: &sc::CheckpointCommand,
        now_ms: i64,
    ) -> Result<()> {
        let relation = command
            .relation
            .as_ref()
            .ok_or_else(|| SparkError::invalid_plan("a checkpoint has no relation"))?;
        let (_, _, resolved) = self.analyzed(session, relation, now_ms)?;
        if resolved.streaming {
            return Err(crate::plan::output_mode::refused(
                "Queries with streaming sources must be executed with writeStream.start()",
            ));
        }
        let view = views::named(operation);
        let rows = match self.session(session).views.get(&view) {
            Some(rows) => rows.clone(),
            None if command.eager => {
                let query = Box::new(relation.clone());
                self.question = Some(Question::Rows { query, view });
                return Err(SparkError::analysis(
                    QUESTION,
                    "XX000",
                    "a checkpoint's rows are needed",
                ));
            }
            None => {
                self.session(session).kept.persist(relation, command.storage_level);
                relation.encode_to_vec().into()
            }
        };
        self.session(session).kept.named.insert(operation.to_owned(), rows);
        let relation = Some(sc::CachedRemoteRelation {
            relation_id: operation.to_owned(),
        });
        let result = sc::CheckpointCommandResult { relation };
        self.respond(operation, Some(ResponseType::CheckpointCommandResult(result)), None);
        Ok(())
    }

    /// Forgets a checkpoint, which the client has let go.
    pub(super) fn forget_checkpoint(&mut self, session: &str, command: &sc::RemoveCachedRemoteRelationCommand) {
        let Some(relation) = &command.relation else { return };
        let kept = &mut self.session(session).kept;
        let Some(bytes) = kept.named.remove(&relation.relation_id) else {
            return;
        };
        if let Ok(lazy) = sc::read::<sc::Relation>(bytes.as_slice()) {
            kept.unpersist(&lazy);
        }
    }
}

impl Session {
    /// Keeps the rows of a view; tables of memory sinks are in memory.
    pub(super) fn keep_table(&mut self, key: &str) {
        if let Some(relation) = self.view(key) {
            self.kept.persist(&relation, None);
        }
    }

    /// Lets the rows of a view go.
    pub(super) fn let_table_go(&mut self, key: &str) {
        if let Some(relation) = self.view(key) {
            self.kept.unpersist(&relation);
        }
    }

    fn view(&self, key: &str) -> Option<sc::Relation> {
        sc::read(self.views.get(key)?.as_slice()).ok()
    }
}
