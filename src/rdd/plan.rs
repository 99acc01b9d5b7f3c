//! A job over datasets: nodes of lineage, the root, and what the action wants; JSON followed by blobs.
//!
//! It travels in `Relation.extension` of Spark Connect. The steps, partitioners and the action are read by the
//! executors only; they stay as they are in [`RddPlan::text`].
//!
//! ```text
//! length (4)  JSON        length (4)  blob 0        length (4)  blob 1 …        lengths are little-endian
//!             structure               values first, then partitions of sources
//! ```

use arrow::buffer::Buffer;
use serde::{Deserialize, Serialize};

use super::op::{Op, Write};
use crate::error::{Result, SparkError};
use crate::ids::{DatasetId, KeptId, PartitionId, ScanPart};
use crate::proto as sc;
use crate::scheduler::pools::Pool;

/// `type_url` of the `google.protobuf.Any` with a result: partition (u32, little-endian), then its block.
pub const RESULT_TYPE_URL: &str = "type.rivulet.dev/rivulet.RddResult";

/// `type_url` of the `google.protobuf.Any` with what a task added to accumulators.
pub const UPDATES_TYPE_URL: &str = "type.rivulet.dev/rivulet.RddUpdates";

/// `type_url` of the `google.protobuf.Any` with a plan.
pub const TYPE_URL: &str = "type.rivulet.dev/rivulet.RddPlan";

/// Most wide edges in a row that a lineage may have. Stages are cut by recursion, and the stack of a worker ends.
const MAX_SHUFFLES: usize = 500;

/// Most partitions that one dataset may have.
const MAX_PARTITIONS: usize = 100_000;

/// How a dataset's partitions follow from its parents'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Partition i is blob i of the node.
    Source,
    /// A dataset that the driver has made, by its key: it takes the node's place before the plan runs.
    Dataset,
    /// Partition i is made of the parent's partition i.
    Narrow,
    /// The parents' partitions, one parent after the other.
    Union,
    /// Partition i is the parent's partitions of group i.
    Coalesce,
    /// Partition i is the left's i / r with the right's i % r.
    Cartesian,
    /// Partition i is made of partition i of each parent, or of what was shuffled there.
    Zip,
}

/// A dataset: how its partitions follow from its parents'.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Its number within the page's context.
    pub id: u64,
    /// Its number among all datasets of the driver: what is shuffled or kept for it is found by it in later jobs. With
    /// `None`, it never is.
    pub key: Option<DatasetId>,
    /// Spark's class name.
    pub name: String,
    /// How its partitions follow from its parents'.
    pub kind: Kind,
    /// Its parents, by their places in the plan, which are before its own.
    pub parents: Vec<usize>,
    /// How many partitions it has.
    pub partitions: usize,
    /// Which of the parent's partitions make each of its own, if it is a [`Kind::Coalesce`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Vec<PartitionId>>,
    /// Whether executors keep its partitions once computed.
    #[serde(default)]
    pub cached: bool,
    /// Where they are kept: Spark's name of a storage level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Per parent: whether its rows move. Empty if none do.
    #[serde(default)]
    pub wide: Vec<bool>,
    /// A source's partitions are this one of the plan's sources and those after it.
    #[serde(default)]
    pub first_source: usize,
    /// Whether a source's partitions are not in the plan, as the driver holds them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// What executors do to its rows; `None` leaves them as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<Op>,
    /// Per wide parent: how its rows are dealt out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub write: Vec<Option<Write>>,
}

/// The structure of a job over datasets.
///
/// ```
/// use rivulet::rdd::{lineage, plan::RddPlan};
///
/// let text = r#"{"root":0,"nodes":[{"id":1,"key":null,"name":"Ids","kind":"source","parents":[],"partitions":2}]}"#;
/// let mut bytes = (text.len() as u32).to_le_bytes().to_vec();
/// bytes.extend(text.bytes());
/// let stages = lineage::stages(&RddPlan::decode(&bytes)?).stages;
/// assert_eq!((stages.len(), stages[0].tasks()), (1, 2));
/// # Ok::<(), rivulet::error::SparkError>(())
/// ```
#[derive(Debug, Clone, Deserialize)]
pub struct RddPlan {
    /// The datasets, parents before children.
    pub nodes: Vec<Node>,
    /// The dataset that the action is about, by its place.
    pub root: usize,
    /// What lists of jobs show.
    #[serde(default)]
    pub description: String,
    /// Partitions of the root that the action wants; `None` for all.
    pub only: Option<Vec<PartitionId>>,
    /// Datasets, by key, that nobody reads any more.
    #[serde(default)]
    pub forget: Vec<DatasetId>,
    /// Datasets, by key, that are kept no longer.
    #[serde(default)]
    pub unkeep: Vec<DatasetId>,
    /// Whose share of the executors it takes; `None` is the default pool.
    pub pool: Option<Pool>,
    /// How many of the blobs are values that functions use; the others are source partitions.
    #[serde(default)]
    pub values: usize,
    /// Sources of the functions, as executors load them.
    #[serde(default)]
    pub functions: Vec<serde_json::Value>,
    /// What is done with the root, which executors read.
    #[serde(default)]
    pub action: serde_json::Value,
    /// The JSON as it came.
    #[serde(skip)]
    pub text: String,
    /// Values, then partitions of sources; executors get the values only.
    #[serde(skip)]
    pub blobs: Vec<Buffer>,
}

/// Takes apart what is framed: pieces, each after its length (u32, little-endian).
///
/// # Errors
/// `CONNECT_INVALID_PLAN` if the bytes end in the middle of a piece.
pub fn pieces(bytes: &[u8]) -> Result<Vec<&[u8]>> {
    let cut = || SparkError::invalid_plan("a dataset plan cannot be read: it is cut short");
    let (mut rest, mut pieces) = (bytes, Vec::new());
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (piece, after) = after.split_at_checked(length).ok_or_else(cut)?;
        pieces.push(piece);
        rest = after;
    }
    Ok(pieces)
}

impl Node {
    /// Returns whether the rows of a parent move.
    pub fn is_wide(&self, parent: usize) -> bool {
        self.wide.get(parent).copied().unwrap_or(false)
    }

    /// Returns the name of one of its partitions, if it is to be kept; `None` otherwise.
    pub fn kept(&self, partition: PartitionId) -> Option<KeptId> {
        let dataset = self.key.filter(|_| self.cached)?;
        Some(KeptId { dataset, partition })
    }
}

impl RddPlan {
    /// Returns the plan inside a relation's `extension`; `None` if the relation is anything else.
    ///
    /// # Errors
    /// As [`RddPlan::decode`].
    pub fn of_relation(relation: &sc::Relation) -> Result<Option<Self>> {
        match &relation.rel_type {
            Some(sc::relation::RelType::Extension(any)) if any.type_url == TYPE_URL => {
                Self::decode(&any.value).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Reads a plan: length of the JSON (u32, little-endian), the JSON, then each blob after its length. Executors get
    /// it without its sources.
    ///
    /// # Errors
    /// `CONNECT_INVALID_PLAN` that says what is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let invalid = |why: &str| SparkError::invalid_plan(format!("a dataset plan cannot be read: {why}"));
        let pieces = pieces(bytes)?;
        let (text, blobs) = pieces.split_first().ok_or_else(|| invalid("it is empty"))?;
        let text = std::str::from_utf8(text).map_err(|e| invalid(&e.to_string()))?;
        Self::of(text.to_owned(), blobs.iter().map(|b| Buffer::from(*b)).collect())
    }

    /// Reads a plan of its JSON and its blobs: values first, then partitions of sources.
    ///
    /// # Errors
    /// As [`RddPlan::decode`].
    pub fn of(text: String, blobs: Vec<Buffer>) -> Result<Self> {
        let invalid = |why: &str| SparkError::invalid_plan(format!("a dataset plan cannot be read: {why}"));
        let mut plan: Self = serde_json::from_str(&text).map_err(|e| invalid(&e.to_string()))?;
        plan.text = text;
        plan.blobs = blobs;
        if plan.blobs.len() < plan.values {
            return Err(invalid("its values are not all there"));
        }
        plan.check()?;
        Ok(plan)
    }

    /// Returns whether it names datasets of the driver's.
    pub fn names_datasets(&self) -> bool {
        self.nodes.iter().any(|node| node.kind == Kind::Dataset)
    }

    /// Returns the bytes for executors: all but the sources, which come with the tasks that read them.
    pub fn for_executors(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let values = self.blobs[..self.values].iter().map(Buffer::as_slice);
        for piece in std::iter::once(self.text.as_bytes()).chain(values) {
            out.extend_from_slice(&(piece.len() as u32).to_le_bytes());
            out.extend_from_slice(piece);
        }
        out
    }

    /// Returns a source's partition; `None` on executors.
    pub fn source(&self, part: ScanPart) -> Option<&Buffer> {
        let first = self.values.saturating_add(self.nodes.get(part.scan.0)?.first_source);
        let at = first.saturating_add(part.partition.0);
        self.blobs.get(at)
    }

    /// Checks that parents come before children, that partitions add up, and that blobs are there.
    ///
    /// # Errors
    /// `CONNECT_INVALID_PLAN`, which names the dataset.
    fn check(&self) -> Result<()> {
        let wrong = |node: &Node, why: String| {
            Err(SparkError::invalid_plan(format!(
                "dataset {} ({}): {why}",
                node.id, node.name
            )))
        };
        if self.nodes.is_empty() && !(self.forget.is_empty() && self.unkeep.is_empty()) {
            return Ok(());
        }
        if self.root >= self.nodes.len() {
            return Err(SparkError::invalid_plan("a dataset plan has no root"));
        }
        let mut shuffles = vec![0; self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate() {
            if node.partitions > MAX_PARTITIONS {
                return wrong(
                    node,
                    format!("{} partitions are more than {MAX_PARTITIONS}", node.partitions),
                );
            }
            if let Some(later) = node.parents.iter().find(|p| **p >= at) {
                return wrong(node, format!("its parent {later} does not come before it"));
            }
            let moved = |i: usize| shuffles[node.parents[i]] + usize::from(node.is_wide(i));
            shuffles[at] = (0..node.parents.len()).map(moved).max().unwrap_or(0);
            if shuffles[at] > MAX_SHUFFLES {
                let why = format!(
                    "its lineage has more than {MAX_SHUFFLES} shuffles in a row; checkpoint() a dataset on the way to cut it"
                );
                return wrong(node, why);
            }
            let of = |parent: usize| self.nodes[node.parents[parent]].partitions;
            let parents = node.parents.len();
            let expected = match node.kind {
                Kind::Source => {
                    let sources = self.blobs.len() - self.values;
                    let last = node.first_source.saturating_add(node.partitions);
                    if parents > 0 || (sources > 0 && !node.held && last > sources) {
                        return wrong(node, "its partitions are not all there".into());
                    }
                    node.partitions
                }
                Kind::Dataset if parents == 0 && node.key.is_some() => node.partitions,
                Kind::Narrow if parents == 1 => of(0),
                Kind::Union => (0..parents).map(of).sum(),
                Kind::Coalesce if parents == 1 => {
                    if node.groups.iter().flatten().any(|p| p.0 >= of(0)) {
                        return wrong(node, "a group names a partition that the parent lacks".into());
                    }
                    node.groups.len()
                }
                Kind::Cartesian if parents == 2 => of(0).saturating_mul(of(1)),
                Kind::Zip if parents > 0 => {
                    if let Some(other) = (0..parents).find(|p| !node.is_wide(*p) && of(*p) != node.partitions) {
                        return wrong(
                            node,
                            format!(
                                "Can't zip RDDs with unequal numbers of partitions: {} and {}",
                                node.partitions,
                                of(other)
                            ),
                        );
                    }
                    node.partitions
                }
                _ => return wrong(node, format!("it has {parents} parents")),
            };
            if expected != node.partitions {
                return wrong(
                    node,
                    format!("it has {} partitions and not {expected}", node.partitions),
                );
            }
        }
        let root = &self.nodes[self.root];
        if let Some(out) = self.only.iter().flatten().find(|p| p.0 >= root.partitions) {
            return wrong(root, format!("there is no partition {out}"));
        }
        Ok(())
    }
}
