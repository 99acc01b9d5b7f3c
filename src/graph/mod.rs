//! Graphs: the structure of vertices and edges as columns, and the library's algorithms over it (GraphX's `lib`).
//!
//! A partition owns the vertices that hash to it, and knows the edges that begin or end at them; vertices at the other ends
//! of these that other partitions own are its ghosts. A superstep reads the values of the ghosts, makes new values of its
//! own vertices, and deals out what other partitions need to know of them: one stage of the one DAG scheduler, whose blocks
//! are dense columns without ids. So a lost executor's partitions come back by lineage, as those of any dataset.
//!
//! ```text
//!  edges ═▶ adjacency ═▶ routed (kept) ─┬─▶ first ═▶ step ═▶ step ═▶ … state        ═ one block to each partition
//!  vertices ═▶┘      who needs whom      └── every step reads its own
//! ```
//!
//! [`host`] runs these steps in an executor, beside the script that runs functions of the user's; [`iteration`] is how the
//! driver runs supersteps until nothing changes, some in one job: the state that comes back is where lineage begins again.
//! Nothing here knows the user's attributes: those are the script's (`src/js/src/graph`), which keeps edges where GraphX has them.
//!
//! GraphX cuts vertices: an edge is in one place, its ends are copied there, and a superstep is two exchanges, values out and
//! messages back. Here an edge is with both of its ends, so that one exchange does. That costs memory for the edges between
//! partitions, twice 4 bytes each, and no algorithm's result depends on it.

pub mod algorithms;
pub mod answer;
pub mod columns;
pub mod edges;
pub mod host;
pub mod iteration;
pub mod packed;
pub mod structure;
