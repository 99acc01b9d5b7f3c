// Graphs as compressed rows in typed arrays.
import { ends, RESET, STEPS, sizes, topOf } from '../../workloads/graphs.js';

/** Numbers of the vertices that edges name, by id; ids lie close together. */
function numbered({ src, dst, length }) {
  let highest = 0;
  for (let i = 0; i < length; i++) highest = Math.max(highest, src[i], dst[i]);
  const numbers = new Int32Array(highest + 1).fill(-1);
  for (let i = 0; i < length; i++) numbers[src[i]] = numbers[dst[i]] = 0;
  const ids = [];
  for (let id = 0; id <= highest; id++) if (numbers[id] === 0) numbers[id] = ids.push(id) - 1;
  return { ids: Int32Array.from(ids), numbers };
}

/** By vertex of `from`: the vertices of `to`. */
function rows(count, numbers, from, to) {
  const starts = new Int32Array(count + 1);
  for (let i = 0; i < from.length; i++) starts[numbers[from[i]] + 1]++;
  for (let v = 0; v < count; v++) starts[v + 1] += starts[v];
  const next = starts.slice();
  const others = new Int32Array(from.length);
  for (let i = 0; i < from.length; i++) others[next[numbers[from[i]]]++] = numbers[to[i]];
  return { starts, others };
}

export function pagerank(inputs, clock) {
  const edges = ends(inputs);
  const { ids, numbers } = numbered(edges);
  const count = ids.length;
  const { starts, others } = rows(count, numbers, edges.dst, edges.src);
  const degrees = new Int32Array(count);
  for (let i = 0; i < edges.length; i++) degrees[numbers[edges.src[i]]]++;
  clock.lap('load');
  const ranks = new Float64Array(count).fill(1);
  const shares = new Float64Array(count);
  for (let step = 0; step < STEPS; step++) {
    for (let v = 0; v < count; v++) shares[v] = ranks[v] / degrees[v];
    for (let v = 0; v < count; v++) {
      let sum = 0;
      for (let e = starts[v]; e < starts[v + 1]; e++) sum += shares[others[e]];
      ranks[v] = RESET + (1 - RESET) * sum;
    }
  }
  let total = 0;
  for (let v = 0; v < count; v++) total += ranks[v];
  for (let v = 0; v < count; v++) ranks[v] *= count / total;
  const answer = topOf(ids, ranks);
  clock.lap('run');
  return answer;
}

export function components(inputs, clock) {
  const { src, dst, length } = ends(inputs);
  const { ids, numbers } = numbered({ src, dst, length });
  clock.lap('load');
  const parents = Int32Array.from(ids, (_, v) => v);
  const root = (v) => {
    while (parents[v] !== v) v = parents[v] = parents[parents[v]];
    return v;
  };
  for (let i = 0; i < length; i++) {
    const [a, b] = [root(numbers[src[i]]), root(numbers[dst[i]])];
    if (a < b) parents[b] = a;
    else parents[a] = b;
  }
  const answer = sizes(parents.map((_, v) => root(v)));
  clock.lap('run');
  return answer;
}

export function triangles(inputs, clock) {
  const edges = ends(inputs);
  const { ids, numbers } = numbered(edges);
  const count = ids.length;
  const [out, incoming] = [rows(count, numbers, edges.src, edges.dst), rows(count, numbers, edges.dst, edges.src)];
  clock.lap('load');
  const marks = new Int32Array(count).fill(-1);
  const around = Array.from({ length: count }, (_, v) => {
    const found = [];
    for (const { starts, others } of [out, incoming]) {
      for (let e = starts[v]; e < starts[v + 1]; e++) {
        if (marks[others[e]] === v) continue;
        marks[others[e]] = v;
        found.push(others[e]);
      }
    }
    return Int32Array.from(found);
  });
  const higher = around.map((others, v) =>
    others.filter((u) => around[u].length > others.length || (around[u].length === others.length && u > v)),
  );
  marks.fill(-1);
  let triangles = 0;
  for (let v = 0; v < count; v++) {
    for (const u of higher[v]) marks[u] = v;
    for (const u of higher[v]) for (const w of higher[u]) if (marks[w] === v) triangles++;
  }
  clock.lap('run');
  return { triangles: [triangles] };
}
