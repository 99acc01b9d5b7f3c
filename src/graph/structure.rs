//! The structure of one partition of a graph: its vertices, their edges both ways, and who needs to know of which.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::ToByteSlice;

use super::columns::Reader;
use super::edges::{self, Edges, Id, Known, NONE, Numbers};
use crate::error::{Result, SparkError};

/// Returns the partition of a vertex: Spark's `HashPartitioner` over the hash of a `java.lang.Long`.
pub fn owner(id: i64, partitions: usize) -> usize {
    let hash = (id ^ ((id as u64) >> 32) as i64) as i32;
    if partitions.is_power_of_two() {
        // The same number without a division.
        return hash as u32 as usize & (partitions - 1);
    }
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

    /// Sorts edges by their own end, one of the first `vertices`; leaves out those that have none. The order of edges of one vertex
    /// is that in which they come.
    fn new(vertices: usize, own: &[u32], other: &[u32], values: &[f64]) -> Self {
        let mut starts = vec![0];
        starts.append(&mut counts(vertices, own));
        for v in 0..=vertices {
            starts[v + 1] += starts[v];
        }
        // Those that have none come last: whether an edge is one of them no processor can guess.
        let mut next = starts.clone();
        let mut others = vec![0; own.len()];
        let mut sorted = vec![0.0; values.len()];
        for (i, (own, other)) in own.iter().zip(other).enumerate() {
            let next = &mut next[(*own as usize).min(vertices)];
            let at = *next as usize;
            *next += 1;
            others[at] = *other;
            if let Some(value) = values.get(i) {
                sorted[at] = *value;
            }
        }
        others.truncate(starts[vertices] as usize);
        sorted.truncate(others.len());
        starts.truncate(vertices + 1);
        Self {
            starts,
            others,
            values: sorted,
        }
    }
}

/// Returns how often each of the first `vertices` is among some ends of edges, and at last how often none of them is.
fn counts(vertices: usize, ends: &[u32]) -> Vec<u32> {
    let mut counts = vec![0; vertices + 1];
    ends.iter().for_each(|end| counts[(*end as usize).min(vertices)] += 1);
    counts
}

/// What is made of edges when it is first needed: most algorithms need a part of it only.
#[derive(Debug, Default, Clone)]
struct Made {
    incoming: OnceLock<Ends>,
    outgoing: OnceLock<Ends>,
    degrees: OnceLock<Vec<u32>>,
    groups: OnceLock<Vec<u32>>,
}

/// Joins what edges connect (union-find, with paths halved); each vertex is its own parent at first.
fn joined(mut parents: Vec<u32>, edges: &Edges<u32>) -> Vec<u32> {
    fn root(parents: &mut [u32], mut v: u32) -> u32 {
        loop {
            let parent = parents[v as usize];
            if parent == v {
                return v;
            }
            let above = parents[parent as usize];
            parents[v as usize] = above;
            v = above;
        }
    }
    for (v, u) in edges.sources.iter().zip(&edges.targets) {
        let (a, b) = (root(&mut parents, *v), root(&mut parents, *u));
        parents[a.max(b) as usize] = a.min(b);
    }
    // A parent has a lower number, so its root is known.
    for v in 0..parents.len() {
        parents[v] = parents[parents[v] as usize];
    }
    parents
}

/// Of the same edges the same is made, whenever that is.
impl PartialEq for Made {
    fn eq(&self, _: &Self) -> bool {
        true
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
    /// The edges that begin or end at own vertices, each once, in the order in which they come.
    pub edges: Edges<u32>,
    made: Made,
}

/// A partition's structure as supersteps use it.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Routed {
    /// Vertices and edges.
    pub adjacency: Arc<Adjacency>,
    /// By partition: own vertices that it has as ghosts, in the order of its ghosts.
    pub wanted: Vec<Vec<u32>>,
}

impl Adjacency {
    /// Makes a partition's structure of blocks of edges that begin or end in it, and blocks of ids of its vertices.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` if a block is damaged; `RIVULET_GRAPH_TOO_LARGE` for 2^32 vertices or edges in a partition.
    pub fn build(
        partition: usize,
        partitions: usize,
        blocks: &[impl Deref<Target = [u8]>],
        vertices: &[impl Deref<Target = [u8]>],
    ) -> Result<Self> {
        let mut ids = Vec::new();
        for block in vertices {
            let mut reader = Reader(block);
            let count = reader.u32()? as usize;
            ids.append(&mut reader.longs(count)?);
        }
        if edges::are_narrow(blocks)? {
            Self::of(partition, partitions, Edges::<i32>::read(blocks)?, ids)
        } else {
            Self::of(partition, partitions, Edges::<i64>::read(blocks)?, ids)
        }
    }

    fn of<T: Id>(partition: usize, partitions: usize, edges: Edges<T>, listed: Vec<i64>) -> Result<Self> {
        if edges.sources.len() >= NONE as usize {
            return Err(SparkError::internal("a partition of a graph has more than 2^32 edges"));
        }
        let known = Known::of(partition, partitions, &edges, listed);
        let [sources, targets] = [&edges.sources, &edges.targets].map(|ends| known.numbers.all(ends));
        let highest = |ends: &[u32]| ends.iter().fold(0, |high, v| *v.max(&high));
        if highest(&sources).max(highest(&targets)) == NONE {
            return Err(SparkError::internal("a vertex of a graph is in no partition"));
        }
        Ok(Self {
            ids: known.ids,
            ghosts: known.ghosts,
            ghost_starts: known.ghost_starts,
            edges: Edges {
                sources,
                targets,
                values: edges.values,
            },
            made: Made::default(),
        })
    }

    /// Returns the edges that end at own vertices, by these.
    pub fn incoming(&self) -> &Ends {
        let Edges {
            sources,
            targets,
            values,
        } = &self.edges;
        let sorted = || Ends::new(self.len(), targets, sources, values);
        self.made.incoming.get_or_init(sorted)
    }

    /// Returns the edges that begin at own vertices, by these.
    pub fn outgoing(&self) -> &Ends {
        let Edges {
            sources,
            targets,
            values,
        } = &self.edges;
        let sorted = || Ends::new(self.len(), sources, targets, values);
        self.made.outgoing.get_or_init(sorted)
    }

    /// Returns how many edges begin at each own vertex.
    pub fn out_degrees(&self) -> &[u32] {
        let counted = || counts(self.len(), &self.edges.sources);
        &self.made.degrees.get_or_init(counted)[..self.len()]
    }

    /// Returns how many edges end at each own vertex; counts them.
    pub fn in_degrees(&self) -> Vec<u32> {
        let mut degrees = counts(self.len(), &self.edges.targets);
        degrees.truncate(self.len());
        degrees
    }

    /// Returns a local number of each vertex, own or ghost, that is the same for all that the edges of the partition connect, and for no
    /// others.
    pub fn groups(&self) -> &[u32] {
        self.made.groups.get_or_init(|| {
            let vertices = (self.ids.len() + self.ghosts.len()) as u32;
            joined((0..vertices).collect(), &self.edges)
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

    /// Returns the bytes that it takes once all is made of its edges, about.
    fn bytes(&self) -> usize {
        let edges = 8 * (self.edges.sources.len() + self.edges.values.len());
        8 * (self.ids.len() + self.ghosts.len()) + 16 * self.ids.len() + 4 * self.ghosts.len() + 2 * edges
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
        counts_to(&mut out, &self.edges.sources);
        counts_to(&mut out, &self.edges.targets);
        out.extend((self.edges.values.len() as u32).to_le_bytes());
        out.extend_from_slice(self.edges.values.as_slice().to_byte_slice());
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
        let (sources, targets) = (counts_from(reader)?, counts_from(reader)?);
        let count = reader.u32()? as usize;
        let values = reader.doubles(count)?;
        let (lengths, vertices) = ([targets.len(), values.len()], own.len() + ghosts.len());
        let is_short = lengths != [sources.len(), sources.len()] && lengths != [sources.len(), 0];
        if is_short || sources.iter().chain(&targets).any(|v| *v as usize >= vertices) {
            return Err(SparkError::internal("edges of a graph have no ends"));
        }
        Ok(Self {
            ids: own,
            ghosts,
            ghost_starts,
            edges: Edges {
                sources,
                targets,
                values,
            },
            made: Made::default(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::edges::block;

    fn built() -> Adjacency {
        let none: [Vec<u8>; 0] = [];
        Adjacency::build(0, 2, &[block(&[0i32, 2, 2, 4], &[2, 1, 4, 0])], &none).unwrap()
    }

    #[test]
    fn edges_are_sorted_by_their_own_ends_and_counted() {
        let graph = built();
        // Even ids are its own: 0, 2, 4 have the numbers 0, 1, 2; 1 is a ghost and has 3.
        assert_eq!(
            (graph.ids.as_slice(), graph.ghosts.as_slice()),
            (&[0, 2, 4][..], &[1][..])
        );
        let incoming: Vec<&[u32]> = (0..3).map(|v| graph.incoming().of(v)).collect();
        assert_eq!(incoming, [&[2], &[0], &[1]]);
        let outgoing: Vec<&[u32]> = (0..3).map(|v| graph.outgoing().of(v)).collect();
        assert_eq!(outgoing, [&[1][..], &[3, 2], &[0]]);
        assert_eq!(
            (graph.out_degrees(), graph.in_degrees()),
            (&[1, 2, 1][..], vec![1, 1, 1])
        );
        assert_eq!(graph.groups(), [0, 0, 0, 0]);
    }

    #[test]
    fn a_structure_whose_edges_end_nowhere_is_refused() {
        let graph = built();
        assert_eq!(Adjacency::decode(&graph.encode()).unwrap(), graph);
        let damaged = |damage: fn(&mut Edges<u32>)| {
            let mut other = graph.clone();
            damage(&mut other.edges);
            Adjacency::decode(&other.encode()).unwrap_err().to_string()
        };
        for error in [
            damaged(|edges| edges.sources[1] = 4),
            damaged(|edges| edges.targets[0] = NONE),
            damaged(|edges| _ = edges.targets.pop()),
            damaged(|edges| edges.values.push(1.0)),
        ] {
            assert!(error.contains("have no ends"), "{error}");
        }
    }
}
