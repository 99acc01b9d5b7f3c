//! The structure of one partition of a graph: its vertices, their edges both ways, and who needs to know of which.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use arrow::datatypes::ToByteSlice;

use super::columns::Reader;
use crate::error::{Result, SparkError};

/// Returns the partition of a vertex: Spark's `HashPartitioner` over the hash of a `java.lang.Long`.
pub fn owner(id: i64, partitions: usize) -> usize {
    let hash = (id ^ ((id as u64) >> 32) as i64) as i32;
    (i64::from(hash).rem_euclid(partitions.max(1) as i64)) as usize
}

/// One direction of the edges: for each own vertex, the vertices at the other ends, by their local numbers.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Ends {
    /// Vertex v has the entries `starts[v]..starts[v + 1]`.
    pub starts: Vec<u32>,
    /// The other ends.
    pub others: Vec<u32>,
    /// Attributes of the edges, as far as they are numbers and were asked for.
    pub values: Vec<f64>,
}

impl Ends {
    /// Returns where a vertex's entries are.
    pub fn range(&self, vertex: usize) -> std::ops::Range<usize> {
        self.starts[vertex] as usize..self.starts[vertex + 1] as usize
    }

    /// Returns the other ends of a vertex's edges.
    pub fn of(&self, vertex: usize) -> &[u32] {
        &self.others[self.range(vertex)]
    }

    /// Sorts edges by their own end. The order of edges of one vertex is that in which they come.
    fn new(vertices: usize, edges: &[(u32, u32)], values: &[f64]) -> Self {
        let mut starts = vec![0u32; vertices + 1];
        for (own, _) in edges {
            starts[*own as usize + 1] += 1;
        }
        for v in 0..vertices {
            starts[v + 1] += starts[v];
        }
        let mut next = starts.clone();
        let mut others = vec![0; edges.len()];
        let mut sorted = vec![0.0; values.len()];
        for (i, (own, other)) in edges.iter().enumerate() {
            let at = next[*own as usize] as usize;
            next[*own as usize] += 1;
            others[at] = *other;
            if let Some(value) = values.get(i) {
                sorted[at] = *value;
            }
        }
        Self {
            starts,
            others,
            values: sorted,
        }
    }
}

/// Own vertices and ghosts, and the edges between them. A local number below the number of own vertices is one of these; the
/// others are ghosts.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Adjacency {
    /// Ids of the own vertices, in ascending order.
    pub ids: Vec<i64>,
    /// Ids of the ghosts: those of partition 0, then of 1, and so on, each in ascending order.
    pub ghosts: Vec<i64>,
    /// The ghosts of partition q are `ghost_starts[q]..ghost_starts[q + 1]`.
    pub ghost_starts: Vec<u32>,
    /// Edges that end at own vertices, by these.
    pub incoming: Ends,
    /// Edges that begin at own vertices, by these.
    pub outgoing: Ends,
}

/// A partition's structure as supersteps use it.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Routed {
    /// Vertices and edges.
    pub adjacency: Arc<Adjacency>,
    /// By partition: own vertices that it has as ghosts, in the order of its ghosts.
    pub wanted: Vec<Vec<u32>>,
}

/// From ids to local numbers: a table where ids lie close together, else a map.
enum Numbers {
    Table { first: i64, numbers: Vec<u32> },
    Map(HashMap<i64, u32>),
}

/// A number that is none.
const NONE: u32 = u32::MAX;

impl Numbers {
    fn new(sets: [&[i64]; 2]) -> Self {
        let all = || sets.into_iter().flatten().copied().zip(0u32..);
        let (first, last) = all().fold((i64::MAX, i64::MIN), |(a, b), (id, _)| (a.min(id), b.max(id)));
        let count = sets.iter().map(|s| s.len()).sum::<usize>();
        let width = last.checked_sub(first).and_then(|w| usize::try_from(w).ok());
        if let Some(width) = width.filter(|w| *w < count.saturating_mul(8) + 1_024) {
            let mut numbers = vec![NONE; width + 1];
            all().for_each(|(id, number)| numbers[(id - first) as usize] = number);
            return Self::Table { first, numbers };
        }
        Self::Map(all().collect())
    }

    fn get(&self, id: i64) -> Option<u32> {
        match self {
            Self::Table { first, numbers } => {
                let at = usize::try_from(id.checked_sub(*first)?).ok()?;
                numbers.get(at).copied().filter(|n| *n != NONE)
            }
            Self::Map(map) => map.get(&id).copied(),
        }
    }
}

/// Sorts ids and drops those that are there already.
fn distinct(mut ids: Vec<i64>) -> Vec<i64> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Edges as columns.
#[derive(Debug, Default)]
struct Edges {
    sources: Vec<i64>,
    targets: Vec<i64>,
    values: Vec<f64>,
}

impl Edges {
    /// Reads blocks that the script dealt out: number of edges, whether they have values, sources, targets, values.
    fn read(blocks: &[impl Deref<Target = [u8]>]) -> Result<Self> {
        let mut all = Self::default();
        for block in blocks {
            let mut reader = Reader(block);
            let (count, has_values) = (reader.u32()? as usize, reader.u32()? != 0);
            all.sources.append(&mut reader.longs(count)?);
            all.targets.append(&mut reader.longs(count)?);
            if has_values {
                all.values.append(&mut reader.doubles(count)?);
            }
        }
        if !all.values.is_empty() && all.values.len() != all.sources.len() {
            return Err(SparkError::internal(
                "some edges of a graph have values and some have none",
            ));
        }
        Ok(all)
    }
}

impl Adjacency {
    /// Makes a partition's structure of blocks of edges that begin or end in it, and blocks of ids of its vertices.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if a block is damaged; `RIVULET_GRAPH_TOO_LARGE` for 2^32 vertices or edges in a partition.
    pub fn build(
        partition: usize,
        partitions: usize,
        edges: &[impl Deref<Target = [u8]>],
        vertices: &[impl Deref<Target = [u8]>],
    ) -> Result<Self> {
        let edges = Edges::read(edges)?;
        if edges.sources.len() >= NONE as usize {
            return Err(SparkError::internal("a partition of a graph has more than 2^32 edges"));
        }
        let mut ids = Vec::new();
        for block in vertices {
            let mut reader = Reader(block);
            let count = reader.u32()? as usize;
            ids.append(&mut reader.longs(count)?);
        }
        let is_own = |id: i64| owner(id, partitions) == partition;
        let mut others: Vec<Vec<i64>> = vec![vec![]; partitions];
        let listed = distinct(ids);
        let known = Numbers::new([&listed, &[]]);
        let mut unlisted = Vec::new();
        for id in edges.sources.iter().chain(&edges.targets) {
            if known.get(*id).is_none() {
                match owner(*id, partitions) {
                    own if own == partition => unlisted.push(*id),
                    other => others[other].push(*id),
                }
            }
        }
        let ids = if unlisted.is_empty() {
            listed
        } else {
            distinct(listed.into_iter().chain(unlisted).collect())
        };
        let (mut ghosts, mut ghost_starts) = (Vec::new(), vec![0]);
        for other in others {
            ghosts.append(&mut distinct(other));
            ghost_starts.push(ghosts.len() as u32);
        }
        let numbers = Numbers::new([&ids, &ghosts]);
        let number = |id: i64| {
            let lost = || SparkError::internal("a vertex of a graph is in no partition");
            numbers.get(id).ok_or_else(lost)
        };
        let has_values = !edges.values.is_empty();
        let (mut incoming, mut outgoing) = ((vec![], vec![]), (vec![], vec![]));
        for (i, (source, target)) in edges.sources.iter().zip(&edges.targets).enumerate() {
            let (from, to) = (number(*source)?, number(*target)?);
            let add = |(list, values): &mut (Vec<_>, Vec<_>), own, other| {
                list.push((own, other));
                if has_values {
                    values.push(edges.values[i]);
                }
            };
            if is_own(*target) {
                add(&mut incoming, to, from);
            }
            if is_own(*source) {
                add(&mut outgoing, from, to);
            }
        }
        Ok(Self {
            incoming: Ends::new(ids.len(), &incoming.0, &incoming.1),
            outgoing: Ends::new(ids.len(), &outgoing.0, &outgoing.1),
            ids,
            ghosts,
            ghost_starts,
        })
    }

    /// Returns how many vertices are its own.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Returns whether no vertex is its own.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Returns where the ghosts of a partition are in its list of ghosts.
    pub fn ghosts_of(&self, partition: usize) -> std::ops::Range<usize> {
        self.ghost_starts[partition] as usize..self.ghost_starts[partition + 1] as usize
    }

    /// Returns the id of a local number.
    pub fn id(&self, local: u32) -> i64 {
        let local = local as usize;
        self.ids
            .get(local)
            .copied()
            .unwrap_or_else(|| self.ghosts[local - self.ids.len()])
    }

    /// Returns what it asks of another partition: the ids of its ghosts there.
    pub fn request(&self, partition: usize) -> Vec<u8> {
        let ids = &self.ghosts[self.ghosts_of(partition)];
        let mut out = (ids.len() as u32).to_le_bytes().to_vec();
        out.extend_from_slice(ids.to_byte_slice());
        out
    }

    /// Returns local numbers of ids; `None` for those that are not here.
    pub fn numbering(&self) -> impl Fn(i64) -> Option<u32> + use<> {
        let numbers = Numbers::new([&self.ids, &self.ghosts]);
        move |id| numbers.get(id)
    }

    /// Returns the bytes that it takes.
    fn bytes(&self) -> usize {
        let ends = |e: &Ends| 4 * (e.starts.len() + e.others.len()) + 8 * e.values.len();
        8 * (self.ids.len() + self.ghosts.len()) + ends(&self.incoming) + ends(&self.outgoing)
    }
}

impl Routed {
    /// Makes it of what each partition asks for, in their order.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if a block is damaged, or names a vertex that is not here.
    pub fn build(adjacency: Arc<Adjacency>, requests: &[impl Deref<Target = [u8]>]) -> Result<Self> {
        let numbers = Numbers::new([&adjacency.ids, &[]]);
        let mut wanted = Vec::with_capacity(requests.len());
        for block in requests {
            let mut reader = Reader(block);
            let count = reader.u32()? as usize;
            let found = reader.longs(count)?.into_iter().map(|id| numbers.get(id));
            let lost = || SparkError::internal("a vertex of a graph is not where its hash says");
            wanted.push(found.collect::<Option<Vec<u32>>>().ok_or_else(lost)?);
        }
        Ok(Self { adjacency, wanted })
    }

    /// Returns the bytes that it takes in memory, about.
    pub fn bytes(&self) -> usize {
        self.adjacency.bytes() + self.wanted.iter().map(|w| 4 * w.len()).sum::<usize>()
    }

    /// Returns it as bytes, for another executor.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.adjacency.encode();
        out.extend((self.wanted.len() as u32).to_le_bytes());
        for list in &self.wanted {
            counts_to(&mut out, list);
        }
        out
    }

    /// Reads it.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the bytes are cut short.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader(bytes);
        let adjacency = Arc::new(Adjacency::read(&mut reader)?);
        let partitions = reader.u32()?;
        let wanted = (0..partitions).map(|_| counts_from(&mut reader));
        Ok(Self {
            wanted: wanted.collect::<Result<_>>()?,
            adjacency,
        })
    }
}

impl Adjacency {
    /// Returns it as bytes, for another executor.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes() + 64);
        for ids in [&self.ids, &self.ghosts] {
            out.extend((ids.len() as u32).to_le_bytes());
            out.extend_from_slice(ids.as_slice().to_byte_slice());
        }
        counts_to(&mut out, &self.ghost_starts);
        for ends in [&self.incoming, &self.outgoing] {
            counts_to(&mut out, &ends.starts);
            counts_to(&mut out, &ends.others);
            out.extend((ends.values.len() as u32).to_le_bytes());
            out.extend_from_slice(ends.values.as_slice().to_byte_slice());
        }
        out
    }

    /// Reads it.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if the bytes are cut short.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Self::read(&mut Reader(bytes))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let mut ids = || {
            let count = reader.u32()? as usize;
            reader.longs(count)
        };
        let (own, ghosts) = (ids()?, ids()?);
        let ghost_starts = counts_from(reader)?;
        let mut ends = || -> Result<Ends> {
            let (starts, others) = (counts_from(reader)?, counts_from(reader)?);
            let count = reader.u32()? as usize;
            let values = reader.doubles(count)?;
            Ok(Ends { starts, others, values })
        };
        Ok(Self {
            incoming: ends()?,
            outgoing: ends()?,
            ids: own,
            ghosts,
            ghost_starts,
        })
    }
}

fn counts_to(out: &mut Vec<u8>, counts: &[u32]) {
    out.extend((counts.len() as u32).to_le_bytes());
    out.extend_from_slice(counts.to_byte_slice());
}

fn counts_from(reader: &mut Reader<'_>) -> Result<Vec<u32>> {
    let count = reader.u32()? as usize;
    reader.counts(count)
}
