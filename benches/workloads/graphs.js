// Graphs: an R-MAT graph of 1,000,000 edges between 200,000 vertices, and on it ten supersteps of PageRank, connected components, and
// the triangles. A lap each: to have the graph, and to have the answer.
import { arrays, stream } from './arrow.js';
import { random } from './random.js';

const VERTICES = 200_000;
const LEVELS = 18;
export const STEPS = 10;
export const RESET = 0.15;

const edges = {
  name: 'edges',
  rows: (scale) => Math.round(1_000_000 * scale),
  *batches(scale) {
    const draw = random(21);
    const length = this.rows(scale);
    const [src, dst] = [new Int32Array(length), new Int32Array(length)];
    for (let i = 0; i < length; ) {
      let [from, to] = [0, 0];
      for (let level = 0; level < LEVELS; level++) {
        const at = draw(100);
        from = 2 * from + (at >= 60 && at < 75 ? 0 : at >= 45 ? 1 : 0);
        to = 2 * to + (at >= 60 ? 1 : 0);
      }
      if (from >= VERTICES || to >= VERTICES || from === to) continue;
      [src[i], dst[i]] = [from, to];
      i++;
    }
    yield stream({ src: ['int', src], dst: ['int', dst] });
  },
};

/** The ends of the edges. */
export const ends = ({ edges }) => arrays(edges[0], ['src', 'dst']);

/** The ten highest of some ranks by vertex, and what all of them sum up to. */
export const top = (ranks) => topOf([...ranks.keys()], [...ranks.values()]);

/** The same of ids and ranks side by side. */
export function topOf(ids, ranks) {
  const best = [];
  let sum = 0;
  for (let i = 0; i < ranks.length; i++) {
    const rank = ranks[i];
    sum += rank;
    if (best.length === 10 && rank < best[9].rank) continue;
    best.push({ id: ids[i], rank });
    best.sort((a, b) => b.rank - a.rank || a.id - b.id);
    if (best.length > 10) best.pop();
  }
  return { place: [...best.keys(), 10], rank: [...best.map((one) => one.rank), sum] };
}

/** Numbers of the vertices that edges name, in the order in which they come, by id. */
function numbers({ src, dst, length }) {
  const found = new Map();
  for (let i = 0; i < length; i++) for (const id of [src[i], dst[i]]) if (!found.has(id)) found.set(id, found.size);
  return found;
}

/**
 * Runs steps of PageRank as libraries define it: ranks sum up to 1, and what vertices without an edge out of them have goes to all alike.
 * (Spark's vertices begin with 1 and lose it; its ranks are scaled once, at the end. Only after many steps it is the same.) Returns the
 * ranks by id, and how far the ranks of all vertices have moved in each step.
 */
function spread({ src, dst, length }, steps) {
  const vertices = numbers({ src, dst, length });
  const count = vertices.size;
  const [from, to] = [src, dst].map((ids) => Int32Array.from(ids, (id) => vertices.get(id)));
  const degrees = new Int32Array(count);
  for (let i = 0; i < length; i++) degrees[from[i]]++;
  let ranks = new Float64Array(count).fill(1 / count);
  const moves = [];
  for (let step = 0; step < steps; step++) {
    let lost = 0;
    for (let v = 0; v < count; v++) if (degrees[v] === 0) lost += ranks[v];
    const next = new Float64Array(count).fill((RESET + (1 - RESET) * lost) / count);
    for (let i = 0; i < length; i++) next[to[i]] += ((1 - RESET) * ranks[from[i]]) / degrees[from[i]];
    moves.push(next.reduce((sum, rank, v) => sum + Math.abs(rank - ranks[v]), 0));
    ranks = next;
  }
  return { ranks: new Map([...vertices].map(([id, v]) => [id, ranks[v] * count])), moves };
}

/**
 * Returns a distance that ranks move by less than in the last of the steps, and only there: libraries take no number of steps, but stop
 * when all ranks together move less.
 */
export function lastMove(inputs) {
  const [before, last] = spread(ends(inputs), STEPS).moves.slice(-2);
  return Math.sqrt(before * last);
}

/** Adjacency as an idiomatic program has it: ids in lists by id. */
function lists(inputs, clock) {
  const { src, dst, length } = ends(inputs);
  const out = new Map();
  const of = (id) => {
    let list = out.get(id);
    if (!list) out.set(id, (list = []));
    return list;
  };
  for (let i = 0; i < length; i++) {
    of(src[i]).push(dst[i]);
    of(dst[i]);
  }
  clock?.lap('load');
  return out;
}

function ranked(inputs, clock) {
  const out = lists(inputs, clock);
  let ranks = new Map([...out.keys()].map((id) => [id, 1]));
  for (let step = 0; step < STEPS; step++) {
    const next = new Map([...out.keys()].map((id) => [id, RESET]));
    for (const [id, targets] of out) {
      const share = ((1 - RESET) * ranks.get(id)) / targets.length;
      for (const target of targets) next.set(target, next.get(target) + share);
    }
    ranks = next;
  }
  let sum = 0;
  for (const rank of ranks.values()) sum += rank;
  const answer = top(new Map([...ranks].map(([id, rank]) => [id, (rank * ranks.size) / sum])));
  clock?.lap('run');
  return answer;
}

/** How many components there are, and how many vertices are in the largest. */
export function sizes(labels) {
  const counts = new Map();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return sizesOf([...counts.values()]);
}

/** The same by the number of vertices of each. */
export const sizesOf = (orders) => ({ count: [orders.length], largest: [Math.max(...orders)] });

function connected(inputs, clock) {
  const out = lists(inputs, clock);
  const parents = new Map([...out.keys()].map((id) => [id, id]));
  const root = (id) => {
    while (parents.get(id) !== id) {
      parents.set(id, parents.get(parents.get(id)));
      id = parents.get(id);
    }
    return id;
  };
  for (const [id, targets] of out) {
    for (const target of targets) {
      const [a, b] = [root(id), root(target)];
      if (a !== b) parents.set(Math.max(a, b), Math.min(a, b));
    }
  }
  const answer = sizes([...out.keys()].map(root));
  clock?.lap('run');
  return answer;
}

function cornered(inputs, clock) {
  const out = lists(inputs, clock);
  const around = new Map([...out.keys()].map((id) => [id, new Set()]));
  for (const [id, targets] of out) {
    for (const target of targets) {
      around.get(id).add(target);
      around.get(target).add(id);
    }
  }
  const before = (a, b) => around.get(a).size - around.get(b).size || a - b;
  const higher = new Map([...around].map(([id, others]) => [id, [...others].filter((other) => before(id, other) < 0)]));
  let triangles = 0;
  for (const [, others] of higher) {
    const own = new Set(others);
    for (const other of others) for (const third of higher.get(other)) if (own.has(third)) triangles++;
  }
  clock?.lap('run');
  return { triangles: [triangles] };
}

const inputs = { edges };
const rows = edges.rows;
export const pagerank = {
  title: 'PageRank, 10 supersteps',
  inputs,
  rows,
  keys: ['place'],
  reference: ranked,
  definitions: { spread: (inputs) => top(spread(ends(inputs), STEPS).ranks) },
};
export const components = { title: 'connected components', inputs, rows, keys: [], reference: connected };
export const triangles = { title: 'triangles', inputs, rows, keys: [], reference: cornered };
