import * as G from './workloads/graphs.js';

const edges = G.pagerank.inputs ? Object.values(G.pagerank.inputs)[0] : null;
const { src, dst, length } = G.ends({ edges: [...edges.batches(1)] });
let highest = 0;
for (let i = 0; i < length; i++) highest = Math.max(highest, src[i], dst[i]);
const numbers = new Int32Array(highest + 1).fill(-1);
for (let i = 0; i < length; i++) numbers[src[i]] = numbers[dst[i]] = 0;
let count = 0;
for (let id = 0; id <= highest; id++) if (numbers[id] === 0) numbers[id] = count++;
const deg = new Int32Array(count),
  ind = new Int32Array(count);
for (let i = 0; i < length; i++) {
  deg[numbers[src[i]]]++;
  ind[numbers[dst[i]]]++;
}
function csr(order, sortOthers) {
  // order: rank of vertex
  const starts = new Int32Array(count + 1);
  for (let i = 0; i < length; i++) starts[order[numbers[dst[i]]] + 1]++;
  for (let v = 0; v < count; v++) starts[v + 1] += starts[v];
  const next = starts.slice();
  const others = new Int32Array(length);
  for (let i = 0; i < length; i++) others[next[order[numbers[dst[i]]]]++] = order[numbers[src[i]]];
  if (sortOthers) for (let v = 0; v < count; v++) others.subarray(starts[v], starts[v + 1]).sort();
  return { starts, others };
}
function step({ starts, others }, shares, ranks) {
  for (let v = 0; v < count; v++) {
    let sum = 0;
    for (let e = starts[v]; e < starts[v + 1]; e++) sum += shares[others[e]];
    ranks[v] = 0.15 + 0.85 * sum;
  }
}
const id = Int32Array.from({ length: count }, (_, v) => v);
const byDeg = (d) => {
  const o = Array.from(id).sort((a, b) => d[b] - d[a]);
  const r = new Int32Array(count);
  o.forEach((v, i) => (r[v] = i));
  return r;
};
console.log('vertices', count, 'no in', ind.filter((x) => x === 0).length, 'no out', deg.filter((x) => x === 0).length);
for (const [name, g] of [
  ['plain', csr(id)],
  ['sorted', csr(id, true)],
  ['by out degree', csr(byDeg(deg))],
  ['by in degree', csr(byDeg(ind))],
]) {
  const shares = new Float64Array(count).fill(1),
    ranks = new Float64Array(count);
  const l = [];
  for (let k = 0; k < 8; k++) {
    const t = performance.now();
    step(g, shares, ranks);
    l.push((performance.now() - t).toFixed(2));
  }
  console.log(name, l.join(' '));
}
{
  const g = csr(id);
  for (let i = 0; i < length; i++) g.others[i] = i % 1000;
  const shares = new Float64Array(count).fill(1),
    ranks = new Float64Array(count);
  const l = [];
  for (let k = 0; k < 8; k++) {
    const t = performance.now();
    step(g, shares, ranks);
    l.push((performance.now() - t).toFixed(2));
  }
  console.log('cached', l.join(' '));
}
