//! The state of streaming queries in one executor, within a budget: what was not used for longest waits in the store.
//!
//! A piece of state is one operator's in one partition, and a task works on it as a whole. So what is in memory at one
//! time is the budget and the piece in use; more partitions make smaller pieces. A piece that cannot be stored stays in
//! memory.
//!
//! ```text
//!  take ──▶ Live ── task changes it ──put──▶ in memory ──shrink: over budget, longest unused──▶ stored as a snapshot
//!    └────▶ Stored: a snapshot, from which the task rebuilds it ◀──────────────────────────────────┘
//!    └────▶ None: not here, or of another version: the driver sends it along
//! ```

use std::collections::HashMap;

use arrow::buffer::Buffer;

use crate::error::{Exception, Result, SparkError};
use crate::exec::inputs::StateStats;
use crate::exec::state::OperatorState;
use crate::exec::task::size_text;
use crate::ids::{BatchId, PartitionId, RunId, StateId};
use crate::settings::{self, Setting};

/// Where state waits: a file of the executor's.
pub trait StateStore {
    /// Returns whether there is such a file.
    fn takes_state(&self) -> bool;
    /// Stores a piece; returns false if it does not fit.
    fn put_state(&mut self, key: StateId, bytes: &[u8]) -> bool;
    /// Takes a piece out; `None` if it cannot be read.
    fn take_state(&mut self, key: StateId) -> Option<Buffer>;
}

/// A piece that is here.
#[derive(Debug)]
enum Held {
    /// It is live.
    Memory {
        /// The state.
        state: Box<OperatorState>,
        /// Its size, about.
        bytes: u64,
        /// When it was last used, in uses of any state.
        used: u64,
    },
    /// It is in the store.
    Stored {
        /// The batch whose changes are in.
        version: BatchId,
    },
}

/// A piece that a task wants.
pub enum Found {
    /// It was in memory.
    Live(Box<OperatorState>),
    /// It was stored, as a snapshot.
    Stored(Buffer),
    /// It is not here, or not of that version.
    None,
}

/// All state of an executor.
#[derive(Debug, Default)]
pub struct States {
    /// Pieces by name.
    held: HashMap<StateId, Held>,
    /// How often any piece was used.
    uses: u64,
    /// Bytes that may stay in memory between tasks; 0 sets no limit.
    pub budget_bytes: u64,
    /// Bytes that one piece may have; 0 sets no limit.
    pub limit_bytes: u64,
    /// How often a piece was stored.
    pub spills: u64,
}

impl States {
    /// Takes a piece out, as of `version`. A piece of another version is dropped: it belongs to a try that did not
    /// count.
    pub fn take(&mut self, key: StateId, version: BatchId, store: &mut impl StateStore) -> Found {
        match self.held.remove(&key) {
            Some(Held::Memory { state, .. }) if state.version == version => Found::Live(state),
            Some(Held::Stored { version: stored }) => match store.take_state(key) {
                Some(bytes) if stored == version => Found::Stored(bytes),
                _ => Found::None,
            },
            _ => Found::None,
        }
    }

    /// Returns a piece that is in memory.
    pub fn get(&self, key: StateId) -> Option<&OperatorState> {
        match self.held.get(&key)? {
            Held::Memory { state, .. } => Some(state),
            Held::Stored { .. } => None,
        }
    }

    /// Puts a piece back; `bytes` is its size.
    pub fn put(&mut self, key: StateId, state: OperatorState, bytes: u64) {
        self.uses += 1;
        let held = Held::Memory {
            state: Box::new(state),
            bytes,
            used: self.uses,
        };
        self.held.insert(key, held);
    }

    /// Refuses a piece that is larger than one may be, before it takes all memory there is.
    ///
    /// # Errors
    /// `RIVULET_STATE_TOO_LARGE`.
    pub fn check(&self, operator: &str, partition: PartitionId, stats: &StateStats) -> Result<()> {
        if self.limit_bytes == 0 || stats.bytes <= self.limit_bytes {
            return Ok(());
        }
        let what = format!("{} rows of {operator} in partition {partition}", stats.rows_total);
        Err(too_large(&what, stats.bytes, &settings::STATE_LIMIT, self.limit_bytes))
    }

    /// Stores what was not used for longest, until the rest is within the budget.
    pub fn shrink(&mut self, store: &mut impl StateStore) {
        if self.budget_bytes == 0 || !store.takes_state() {
            return;
        }
        let mut live: Vec<(u64, StateId, u64)> = self
            .held
            .iter()
            .filter_map(|(key, held)| match held {
                Held::Memory { bytes, used, .. } => Some((*used, *key, *bytes)),
                Held::Stored { .. } => None,
            })
            .collect();
        let mut total: u64 = live.iter().map(|(.., bytes)| bytes).sum();
        live.sort_unstable();
        for (_, key, bytes) in live {
            if total <= self.budget_bytes {
                return;
            }
            let Some(Held::Memory { state, .. }) = self.held.get(&key) else {
                continue;
            };
            let version = state.version;
            if !state.snapshot().is_ok_and(|snapshot| store.put_state(key, &snapshot)) {
                // What is full stays so for the next one too: the next task tries again.
                return;
            }
            self.held.insert(key, Held::Stored { version });
            self.spills += 1;
            total -= bytes;
        }
    }

    /// Forgets all state of a run.
    pub fn drop_run(&mut self, run: RunId, store: &mut impl StateStore) {
        self.held.retain(|key, held| {
            if key.run == run && matches!(held, Held::Stored { .. }) {
                store.take_state(*key);
            }
            key.run != run
        });
    }
}

/// Makes the error `RIVULET_STATE_TOO_LARGE`, which names what is too large, its bytes, the setting and its limit.
///
/// ```
/// use rivulet::cluster::states::too_large;
/// use rivulet::settings::STATE_LIMIT;
///
/// let error = too_large("3 rows of dedupe in partition 0", 3 << 20, &STATE_LIMIT, 1 << 20);
/// assert!(error.message.contains("3 rows of dedupe in partition 0 take 3.0 MiB of state, and spark.rivulet.state.maxPartitionSize"));
/// ```
pub fn too_large(what: &str, bytes: u64, setting: &Setting, limit_bytes: u64) -> SparkError {
    let (bytes, limit) = (size_text(bytes), size_text(limit_bytes));
    let sentence = format!(
        "{what} take {bytes} of state, and {} allows {limit}. A watermark lets state go; more partitions \
         (spark.sql.shuffle.partitions) make smaller pieces of it, and with a checkpoint the driver keeps none",
        setting.key
    );
    SparkError::new(Exception::Runtime, "RIVULET_STATE_TOO_LARGE", "54000", sentence).with("setting", setting.key)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, RecordBatch};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;
    use crate::cluster::executor::MemoryBlocks;
    use crate::exec::state::Body;
    use crate::exec::state::rows::RowTable;
    use crate::ids::{OperatorId, StatePart};

    fn key(partition: usize) -> StateId {
        let (operator, partition) = (OperatorId(0), PartitionId(partition));
        StateId {
            run: RunId(1),
            part: StatePart { operator, partition },
        }
    }

    fn piece(version: i64, rows: i64) -> OperatorState {
        let schema = Arc::new(Schema::new(vec![Field::new("k", DataType::Int64, false)]));
        let mut table = RowTable::new(schema.clone(), 1, None).unwrap();
        let keys: Int64Array = (0..rows).collect();
        let batch = RecordBatch::try_new(schema, vec![Arc::new(keys)]).unwrap();
        table.append(&batch).unwrap();
        OperatorState {
            version: BatchId(version),
            body: Body::Rows(vec![table]),
        }
    }

    #[test]
    fn what_was_not_used_for_longest_is_stored_until_the_rest_fits() {
        let mut store = MemoryBlocks::default();
        let mut states = States {
            budget_bytes: 25,
            ..States::default()
        };
        for partition in 0..3 {
            states.put(key(partition), piece(7, 2), 10);
            states.shrink(&mut store);
        }
        let live = |states: &States| (0..3).filter(|p| states.get(key(*p)).is_some()).collect::<Vec<_>>();
        assert_eq!(live(&states), [1, 2]);
        let Found::Stored(snapshot) = states.take(key(0), BatchId(7), &mut store) else {
            panic!("the first was stored")
        };
        assert_eq!(snapshot.as_slice(), piece(7, 2).snapshot().unwrap());
        states.put(key(0), piece(8, 2), 10);
        states.shrink(&mut store);
        assert_eq!(live(&states), [0, 2], "the second is now the oldest");
        assert!(
            matches!(states.take(key(1), BatchId(6), &mut store), Found::None),
            "another version"
        );
        assert!(matches!(states.take(key(0), BatchId(8), &mut store), Found::Live(_)));
        assert_eq!(states.spills, 2);
    }

    #[test]
    fn a_piece_larger_than_the_budget_does_not_stay_and_without_a_budget_all_do() {
        let mut store = MemoryBlocks::default();
        let mut states = States::default();
        states.put(key(0), piece(1, 2), 1 << 40);
        states.shrink(&mut store);
        assert!(states.get(key(0)).is_some());
        states.budget_bytes = 1;
        states.shrink(&mut store);
        assert!(states.get(key(0)).is_none());
        states.drop_run(RunId(1), &mut store);
        assert!(
            store.take_state(key(0)).is_none(),
            "the run's stored state goes with it"
        );
    }
}
