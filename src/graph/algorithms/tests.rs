//! Each algorithm on seeded random graphs, in several partitionings, beside an obviously correct model.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::ToByteSlice;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::graph::structure::{Adjacency, owner};

/// Vertices and edges.
#[derive(Debug, Clone, Default)]
struct Graph {
    vertices: Vec<i64>,
    edges: Vec<(i64, i64)>,
}

impl Graph {
    /// Makes a graph with loops, doubled edges, lone vertices, and ids of all sizes.
    fn random(seed: u64, vertices: usize, edges: usize) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let widths = [60, 1 << 20, i64::MAX];
        let width = widths[seed as usize % 3];
        let ids: Vec<i64> = (0..vertices).map(|_| random.random_range(-width..width)).collect();
        let any = |random: &mut SmallRng| ids[random.random_range(0..ids.len())];
        let edges = (0..edges).map(|_| (any(&mut random), any(&mut random))).collect();
        let vertices = ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        Self { vertices, edges }
    }

    fn out(&self, id: i64) -> Vec<i64> {
        self.edges.iter().filter(|e| e.0 == id).map(|e| e.1).collect()
    }

    fn both(&self, id: i64) -> Vec<i64> {
        let incoming = self.edges.iter().filter(|e| e.1 == id).map(|e| e.0);
        incoming.chain(self.out(id)).collect()
    }

    /// Returns the structure of each partition, as executors make it of blocks.
    fn structure(&self, partitions: usize, ratings: Option<&BTreeMap<(i64, i64), f64>>) -> Vec<Routed> {
        let long = |ids: &[i64]| ids.to_byte_slice().to_vec();
        let adjacencies: Vec<Arc<Adjacency>> = (0..partitions)
            .map(|p| {
                let own = |id: &i64| owner(*id, partitions) == p;
                let edges: Vec<_> = self.edges.iter().filter(|(a, b)| own(a) || own(b)).collect();
                let values: Vec<f64> = ratings
                    .map(|r| edges.iter().map(|e| r[e]).collect())
                    .unwrap_or_default();
                let (from, to): (Vec<i64>, Vec<i64>) = edges.into_iter().copied().unzip();
                let head = [from.len() as u32, u32::from(ratings.is_some())];
                let values = values.as_slice().to_byte_slice().to_vec();
                let block = [long_u32(&head), long(&from), long(&to), values].concat();
                let ids: Vec<i64> = self.vertices.iter().copied().filter(own).collect();
                let listed = [long_u32(&[ids.len() as u32]), long(&ids)].concat();
                let built = Adjacency::build(p, partitions, &[block], &[listed]).unwrap();
                assert_eq!(Adjacency::decode(&built.encode()).unwrap(), built);
                Arc::new(built)
            })
            .collect();
        (0..partitions)
            .map(|p| {
                let requests: Vec<Vec<u8>> = adjacencies.iter().map(|a| a.request(p)).collect();
                let routed = Routed::build(adjacencies[p].clone(), &requests).unwrap();
                assert_eq!(Routed::decode(&routed.encode()).unwrap(), routed);
                routed
            })
            .collect()
    }

    /// Runs an algorithm: its values by id, and how many supersteps it took.
    fn run(&self, parameters: &Parameters, partitions: usize, limit: usize) -> (BTreeMap<i64, Values>, usize) {
        self.run_on(&self.structure(partitions, None), parameters, limit)
    }

    /// Runs an algorithm that reads the edges' values.
    fn run_rated(
        &self,
        ratings: &BTreeMap<(i64, i64), f64>,
        parameters: &Parameters,
        partitions: usize,
        limit: usize,
    ) -> BTreeMap<i64, Values> {
        self.run_on(&self.structure(partitions, Some(ratings)), parameters, limit)
            .0
    }

    fn run_on(&self, graphs: &[Routed], parameters: &Parameters, limit: usize) -> (BTreeMap<i64, Values>, usize) {
        let partitions = graphs.len();
        let algorithm = parameters.algorithm();
        let mut states: Vec<State> = graphs.iter().map(|g| algorithm.first(g)).collect();
        let mut steps = 0;
        while steps < limit && states.iter().any(|s| s.active > 0) {
            steps += 1;
            let step = |own: usize| {
                let said = |from: usize| match from == own {
                    true => states[from].clone(),
                    false => algorithm.said(&graphs[from], &states[from], own),
                };
                let said = (0..partitions)
                    .map(|from| State::decode(&said(from).encode()).unwrap())
                    .collect();
                algorithm.step(&graphs[own], &Inbox { said, own }).unwrap()
            };
            states = (0..partitions).map(step).collect();
        }
        let ids: Vec<Vec<i64>> = graphs.iter().map(|g| g.adjacency.ids.clone()).collect();
        let values = algorithm.answer(&ids, states);
        let all = ids
            .iter()
            .zip(values)
            .flat_map(|(ids, values)| ids.iter().copied().zip(single(values)));
        (all.collect(), steps)
    }
}

fn long_u32(values: &[u32]) -> Vec<u8> {
    values.to_byte_slice().to_vec()
}

/// Returns the values one by one.
fn single(values: Values) -> Vec<Values> {
    match values {
        Values::Doubles(all) => all.into_iter().map(|v| Values::Doubles(vec![v])).collect(),
        Values::Longs(all) => all.into_iter().map(|v| Values::Longs(vec![v])).collect(),
        Values::PositiveCounts(all) => all.into_iter().map(|v| Values::PositiveCounts(vec![v])).collect(),
        Values::Maps { keys, values, none } => {
            let rows = values.chunks(keys.len());
            let map = |row: &[u32]| Values::Maps {
                keys: keys.clone(),
                values: row.to_vec(),
                none,
            };
            rows.map(map).collect()
        }
        Values::Vectors { width, values } => {
            let rows = values.chunks(width);
            rows.map(|row| Values::Doubles(row.to_vec())).collect()
        }
        Values::Factors { rank, values } => {
            let rows = values.chunks(2 * rank + 2);
            rows.map(|row| Values::Doubles(row.to_vec())).collect()
        }
    }
}

/// Runs an algorithm in several partitionings and compares each result with the model's.
fn compare(name: &str, parameters: &Parameters, limit: usize, model: impl Fn(&Graph) -> BTreeMap<i64, Values>) {
    for seed in 0..24 {
        let graph = Graph::random(seed, 3 + 2 * seed as usize, 5 * seed as usize);
        let expected = model(&graph);
        for partitions in [1, 2, 3, 7] {
            let (values, _) = graph.run(parameters, partitions, limit);
            assert_eq!(values.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
            for (id, value) in &values {
                let same = match (value, &expected[id]) {
                    (Values::Doubles(a), Values::Doubles(b)) => a
                        .iter()
                        .zip(b)
                        .all(|(a, b)| (a - b).abs() <= 1e-9 * a.abs().max(b.abs())),
                    (a, b) => a == b,
                };
                assert!(
                    same,
                    "{name}, seed {seed}, {partitions} partitions, vertex {id}: {value:?}, {:?}",
                    expected[id]
                );
            }
        }
    }
}

/// Returns which vertices each one reaches, itself too.
fn reached(graph: &Graph, next: impl Fn(&Graph, i64) -> Vec<i64>) -> BTreeMap<i64, BTreeMap<i64, u32>> {
    let from = |start: i64| {
        let mut found = BTreeMap::from([(start, 0)]);
        let mut todo = std::collections::VecDeque::from([start]);
        while let Some(id) = todo.pop_front() {
            let distance = found[&id] + 1;
            for other in next(graph, id) {
                if let std::collections::btree_map::Entry::Vacant(entry) = found.entry(other) {
                    entry.insert(distance);
                    todo.push_back(other);
                }
            }
        }
        found
    };
    graph.vertices.iter().map(|id| (*id, from(*id))).collect()
}

#[test]
fn components_are_what_a_walk_in_any_direction_reaches() {
    for is_limited in [false, true] {
        let parameters = Parameters::ConnectedComponents(components::Components { is_limited });
        compare("components", &parameters, usize::MAX, |graph| {
            let reached = reached(graph, Graph::both);
            let lowest =
                |(id, found): (i64, BTreeMap<i64, u32>)| (id, Values::Longs(found.into_keys().take(1).collect()));
            reached.into_iter().map(lowest).collect()
        });
    }
}

#[test]
fn labels_cross_a_partition_in_one_superstep_unless_the_caller_counts_them() {
    // A path of vertices that all lie in partition 0 of two, but for two in its middle.
    let ids: Vec<i64> = (0..40).map(|i| 2 * i + i64::from(i == 20 || i == 21)).collect();
    let graph = Graph {
        vertices: ids.clone(),
        edges: ids.windows(2).map(|w| (w[0], w[1])).collect(),
    };
    let steps = |is_limited, partitions| {
        let parameters = Parameters::ConnectedComponents(components::Components { is_limited });
        let (labels, steps) = graph.run(&parameters, partitions, usize::MAX);
        assert!(
            labels.values().all(|label| *label == Values::Longs(vec![0])),
            "{labels:?}"
        );
        steps
    };
    assert_eq!(steps(false, 1), 0);
    // Into the middle, out of it to the other half, and one that finds nothing new.
    assert_eq!(steps(false, 2), 3);
    assert_eq!((steps(true, 1), steps(true, 2)), (40, 40));
}

#[test]
fn strong_components_are_vertices_that_reach_each_other() {
    let parameters = Parameters::StronglyConnectedComponents(strong::Strong { num_iter: 1_000 });
    compare("strong components", &parameters, usize::MAX, |graph| {
        let reached = reached(graph, Graph::out);
        let lowest = |id: &i64| {
            let mut mutual = reached[id].keys().filter(|other| reached[other].contains_key(id));
            (*id, Values::Longs(vec![*mutual.next().unwrap()]))
        };
        graph.vertices.iter().map(lowest).collect()
    });
}

#[test]
fn distances_are_those_of_a_search_along_the_edges() {
    for seed in 0..20 {
        let graph = Graph::random(seed, 20, 40);
        let landmarks: Vec<i64> = graph.vertices.iter().copied().take(3).collect();
        let parameters = Parameters::ShortestPaths(paths::Paths {
            landmarks: landmarks.iter().map(|id| Id(*id)).collect(),
        });
        let reached = reached(&graph, Graph::out);
        for partitions in [1, 3] {
            for (id, value) in graph.run(&parameters, partitions, usize::MAX).0 {
                let Values::Maps { values, none, .. } = value else {
                    panic!("{value:?}")
                };
                let expected: Vec<u32> = landmarks
                    .iter()
                    .map(|l| reached[&id].get(l).copied().unwrap_or(none))
                    .collect();
                assert_eq!(values, expected, "seed {seed}, vertex {id}");
            }
        }
    }
}

#[test]
fn triangles_are_counted_as_by_trying_all_corners() {
    let parameters = Parameters::TriangleCount(triangles::Triangles {});
    compare("triangles", &parameters, 3, |graph| {
        let next: BTreeMap<i64, BTreeSet<i64>> = graph
            .vertices
            .iter()
            .map(|id| (*id, graph.both(*id).into_iter().filter(|other| other != id).collect()))
            .collect();
        let count = |id: &i64| {
            let around: Vec<&i64> = next[id].iter().collect();
            let pairs = around
                .iter()
                .enumerate()
                .flat_map(|(i, a)| around[..i].iter().map(move |b| (*a, *b)));
            pairs.filter(|(a, b)| next[a].contains(b)).count() as i64
        };
        graph
            .vertices
            .iter()
            .map(|id| (*id, Values::Longs(vec![count(id)])))
            .collect()
    });
}

#[test]
fn ranks_are_those_of_the_formula_and_sum_up_to_the_number_of_vertices() {
    let parameters = Parameters::StaticPageRank(rank::StaticPageRank {
        reset_prob: 0.2,
        source: None,
    });
    compare("ranks", &parameters, 6, |graph| {
        let mut ranks: BTreeMap<i64, f64> = graph.vertices.iter().map(|id| (*id, 1.0)).collect();
        for _ in 0..6 {
            let mut next: BTreeMap<i64, f64> = graph.vertices.iter().map(|id| (*id, 0.2)).collect();
            for (from, to) in &graph.edges {
                *next.get_mut(to).unwrap() += 0.8 * ranks[from] / graph.out(*from).len() as f64;
            }
            ranks = next;
        }
        let factor = ranks.len() as f64 / ranks.values().sum::<f64>();
        ranks
            .into_iter()
            .map(|(id, rank)| (id, Values::Doubles(vec![rank * factor])))
            .collect()
    });
}

#[test]
fn ranks_until_they_change_little_are_those_of_many_supersteps() {
    for seed in 0..10 {
        let graph = Graph::random(seed, 30, 90);
        let ranks = |parameters: &Parameters, limit| {
            let values = graph.run(parameters, 3, limit).0.into_values();
            let number = |value| match value {
                Values::Doubles(all) => all[0],
                other => panic!("{other:?}"),
            };
            values.map(number).collect::<Vec<f64>>()
        };
        for source in [None, Some(Id(graph.vertices[1]))] {
            let until = Parameters::PageRank(rank_until::PageRank {
                tol: 1e-14,
                reset_prob: 0.15,
                source,
            });
            let fixed = Parameters::StaticPageRank(rank::StaticPageRank {
                reset_prob: 0.15,
                source,
            });
            // As seen from one vertex, Spark's two variants scale what begins anew differently.
            for (a, b) in ranks(&until, usize::MAX).into_iter().zip(ranks(&fixed, 400)) {
                assert!((a - b).abs() < 1e-9 * (1.0 + b), "seed {seed}: {a} {b}");
            }
        }
    }
}

#[test]
fn degrees_count_loops_twice_and_take_no_superstep() {
    let parameters = Parameters::Degrees(degrees::Degrees {
        incoming: true,
        outgoing: true,
    });
    compare("degrees", &parameters, 0, |graph| {
        let count = |id: &i64| (*id, Values::PositiveCounts(vec![graph.both(*id).len() as u32]));
        graph.vertices.iter().map(count).collect()
    });
}

#[test]
fn labels_are_those_of_one_partition_in_every_partitioning() {
    let parameters = Parameters::LabelPropagation(labels::Labels {});
    compare("labels", &parameters, 4, |graph| graph.run(&parameters, 1, 4).0);
}

#[test]
fn ranks_from_several_sources_are_those_from_each_alone() {
    for seed in 0..10 {
        let graph = Graph::random(seed, 20, 60);
        let sources: Vec<Id> = graph.vertices.iter().take(3).map(|id| Id(*id)).collect();
        let together = Parameters::ParallelPersonalizedPageRank(personalized::ParallelPersonalized {
            reset_prob: 0.15,
            sources: sources.clone(),
        });
        let all = graph.run(&together, 3, 5).0;
        for (i, source) in sources.iter().enumerate() {
            let alone = Parameters::StaticPageRank(rank::StaticPageRank {
                reset_prob: 0.15,
                source: Some(*source),
            });
            for (id, value) in graph.run(&alone, 1, 5).0 {
                let (Values::Doubles(vector), Values::Doubles(rank)) = (&all[&id], &value) else {
                    panic!("{value:?}")
                };
                assert!(
                    (vector[i] - rank[0]).abs() < 1e-12,
                    "seed {seed}, vertex {id}: {vector:?} {rank:?}"
                );
            }
        }
    }
}

#[test]
fn an_id_beyond_numbers_travels_as_a_string() {
    let parameters = Parameters::ShortestPaths(paths::Paths {
        landmarks: vec![Id(i64::MIN), Id(7)],
    });
    let text = serde_json::to_string(&parameters).unwrap();
    assert_eq!(
        text,
        r#"{"name":"shortestPaths","landmarks":["-9223372036854775808","7"]}"#
    );
    assert_eq!(serde_json::from_str::<Parameters>(&text).unwrap(), parameters);
}

/// Ratings of items by users, one edge each.
fn rated(seed: u64) -> (Graph, BTreeMap<(i64, i64), f64>) {
    let mut random = SmallRng::seed_from_u64(seed);
    let ratings: BTreeMap<(i64, i64), f64> = (0..60)
        .map(|_| {
            (
                (random.random_range(0..12), random.random_range(100..110)),
                f64::from(random.random_range(1..6)),
            )
        })
        .collect();
    let edges: Vec<(i64, i64)> = ratings.keys().copied().collect();
    let vertices = edges
        .iter()
        .flat_map(|(a, b)| [*a, *b])
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    (Graph { vertices, edges }, ratings)
}

/// The formulas of the paper as `SVDPlusPlus` has them, edge by edge.
fn learned(
    conf: &factors::SvdPlusPlus,
    ratings: &BTreeMap<(i64, i64), f64>,
    begin: BTreeMap<i64, Vec<f64>>,
) -> BTreeMap<i64, Vec<f64>> {
    let rank = conf.rank;
    let mut rows = begin;
    let mean = ratings.values().sum::<f64>() / ratings.len() as f64;
    for (id, row) in &mut rows {
        let own: Vec<f64> = ratings
            .iter()
            .filter(|((a, b), _)| a == id || b == id)
            .map(|(_, r)| *r)
            .collect();
        row[2 * rank] = own.iter().sum::<f64>() / own.len() as f64 - mean;
        row[2 * rank + 1] = 1.0 / (own.len() as f64).sqrt();
    }
    let error = |rows: &BTreeMap<i64, Vec<f64>>, user: i64, item: i64, rating: f64| {
        let (u, i) = (&rows[&user], &rows[&item]);
        let dot: f64 = (0..rank).map(|k| i[k] * u[rank + k]).sum();
        rating - (mean + u[2 * rank] + i[2 * rank] + dot).clamp(conf.min_val, conf.max_val)
    };
    for _ in 0..conf.max_iters {
        let before = rows.clone();
        for (user, row) in &mut rows {
            let items: Vec<i64> = ratings.keys().filter(|(u, _)| u == user).map(|(_, i)| *i).collect();
            for k in 0..rank {
                if !items.is_empty() {
                    let sum: f64 = items.iter().map(|i| before[i][rank + k]).sum();
                    row[rank + k] = row[k] + row[2 * rank + 1] * sum;
                }
            }
        }
        let before = rows.clone();
        for ((user, item), rating) in ratings {
            let error = error(&before, *user, *item, *rating);
            let (u, i) = (&before[user], &before[item]);
            for k in 0..rank {
                let p = (error * i[k] - conf.gamma7 * u[k]) * conf.gamma2;
                let q = (error * u[rank + k] - conf.gamma7 * i[k]) * conf.gamma2;
                let y = (error * u[2 * rank + 1] * i[k] - conf.gamma7 * i[rank + k]) * conf.gamma2;
                rows.get_mut(user).unwrap()[k] += p;
                rows.get_mut(item).unwrap()[k] += q;
                rows.get_mut(user).unwrap()[rank + k] += y;
                rows.get_mut(item).unwrap()[rank + k] += y;
            }
            rows.get_mut(user).unwrap()[2 * rank] += (error - conf.gamma6 * u[2 * rank]) * conf.gamma1;
            rows.get_mut(item).unwrap()[2 * rank] += (error - conf.gamma6 * i[2 * rank]) * conf.gamma1;
        }
    }
    let before = rows.clone();
    for item in ratings.keys().map(|(_, item)| *item).collect::<BTreeSet<_>>() {
        let own = ratings.iter().filter(|((_, i), _)| *i == item);
        let squares = own.map(|((u, i), r)| error(&before, *u, *i, *r).powi(2)).sum();
        rows.get_mut(&item).unwrap()[2 * rank + 1] = squares;
    }
    rows
}

#[test]
fn factors_are_those_of_the_formulas_in_every_partitioning() {
    for seed in 0..6 {
        let (graph, ratings) = rated(seed);
        let conf = factors::SvdPlusPlus {
            rank: 3,
            max_iters: 4,
            min_val: 0.0,
            max_val: 5.0,
            gamma1: 0.007,
            gamma2: 0.007,
            gamma6: 0.005,
            gamma7: 0.015,
            seed: 11,
        };
        let parameters = Parameters::SvdPlusPlus(conf.clone());
        let rows = |values: BTreeMap<i64, Values>| -> BTreeMap<i64, Vec<f64>> {
            let row = |(id, value)| match value {
                Values::Doubles(row) => (id, row),
                other => panic!("{other:?}"),
            };
            values.into_iter().map(row).collect()
        };
        let expected = learned(&conf, &ratings, rows(graph.run_rated(&ratings, &parameters, 1, 0)));
        for partitions in [1, 2, 5] {
            for (id, row) in rows(graph.run_rated(&ratings, &parameters, partitions, usize::MAX)) {
                for (a, b) in row.iter().zip(&expected[&id]) {
                    assert!(
                        (a - b).abs() < 1e-9,
                        "seed {seed}, {partitions} partitions, vertex {id}: {row:?} {:?}",
                        expected[&id]
                    );
                }
            }
        }
    }
}
