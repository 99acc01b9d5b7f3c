// W3, W6: hash tables by hand.
import { buffers, codedBuffers, text } from '../../workloads/arrow.js';
import { LABELS } from '../../workloads/w3.js';

const GOLDEN = 0x9e3779b1;

/** Groups by an integer: what is aggregated of a group lies side by side. */
class IntGroups {
  static WIDTH = 5;
  bits = 12;
  size = 0;
  slots = new Int32Array(1 << 12).fill(-1);
  keys = new Int32Array(1 << 12);
  // Count, sum of v, sum of w, least w, greatest w.
  cells = new Float64Array(IntGroups.WIDTH << 12);

  addAll({ length, k, v, w }) {
    const [ks, vs, ws] = [k.values, v.values, w.values];
    for (let i = 0; i < length; i++) {
      const value = ws[i];
      const at = this.#groupOf(ks[i]) * IntGroups.WIDTH;
      const { cells } = this;
      cells[at] += 1;
      cells[at + 1] += vs[i];
      cells[at + 2] += value;
      if (value < cells[at + 3]) cells[at + 3] = value;
      if (value > cells[at + 4]) cells[at + 4] = value;
    }
  }

  #groupOf(key) {
    const mask = this.slots.length - 1;
    let slot = Math.imul(key, GOLDEN) >>> (32 - this.bits);
    for (let group; (group = this.slots[slot]) >= 0; slot = (slot + 1) & mask) if (this.keys[group] === key) return group;
    const group = this.size++;
    this.slots[slot] = group;
    this.keys[group] = key;
    this.cells.set([Infinity, -Infinity], group * IntGroups.WIDTH + 3);
    if (2 * this.size > this.slots.length) this.#grow();
    return group;
  }

  #grow() {
    this.bits += 1;
    const length = 1 << this.bits;
    const larger = (array, size) => {
      const copy = new array.constructor(size);
      copy.set(array);
      return copy;
    };
    this.keys = larger(this.keys, length);
    this.cells = larger(this.cells, IntGroups.WIDTH * length);
    this.slots = new Int32Array(length).fill(-1);
    for (let group = 0; group < this.size; group++) {
      let slot = Math.imul(this.keys[group], GOLDEN) >>> (32 - this.bits);
      while (this.slots[slot] >= 0) slot = (slot + 1) & (length - 1);
      this.slots[slot] = group;
    }
  }

  columns() {
    const { size, cells } = this;
    const column = (n) => Float64Array.from({ length: size }, (_, group) => cells[group * IntGroups.WIDTH + n]);
    const [n, sum] = [column(0), column(2)];
    return { k: this.keys.subarray(0, size), n, v: column(1), mean: sum.map((s, i) => s / n[i]), min: column(3), max: column(4) };
  }
}

/** Numbers labels alike in all batches, whose dictionaries may differ: `code` of a batch → number. */
class Labels {
  names = [];

  numbers(dictionary) {
    return Int32Array.from({ length: dictionary.length }, (_, i) => {
      const name = text(dictionary, i);
      const known = this.names.indexOf(name);
      return known >= 0 ? known : this.names.push(name) - 1;
    });
  }
}

function byLabel(batches, labels) {
  const cells = new Float64Array(3 * LABELS);
  for (const { length, s, v, w } of batches) {
    const numbers = labels.numbers(s.dictionary);
    const [codes, vs, ws] = [s.values, v.values, w.values];
    for (let i = 0; i < length; i++) {
      const at = 3 * numbers[codes[i]];
      cells[at] += 1;
      cells[at + 1] += vs[i];
      cells[at + 2] += ws[i];
    }
  }
  return labels.names.map((s, i) => ({ s, n: cells[3 * i], v: cells[3 * i + 1], mean: cells[3 * i + 2] / cells[3 * i] }));
}

const J_BITS = 10;

function byBoth(batches, labels) {
  const cells = new Float64Array(2 * (LABELS << J_BITS));
  for (const { length, s, j, w } of batches) {
    const numbers = labels.numbers(s.dictionary);
    const [codes, js, ws] = [s.values, j.values, w.values];
    for (let i = 0; i < length; i++) {
      if (js[i] >>> J_BITS !== 0) throw new Error(`${js[i]} is not within ${J_BITS} bits`);
      const at = 2 * ((numbers[codes[i]] << J_BITS) | js[i]);
      cells[at] += 1;
      cells[at + 1] += ws[i];
    }
  }
  const rows = [];
  for (let at = 0; at < cells.length / 2; at++)
    if (cells[2 * at] > 0)
      rows.push({ s: labels.names[at >> J_BITS], j: at & ((1 << J_BITS) - 1), n: cells[2 * at], w: cells[2 * at + 1] });
  return rows;
}

export function W3({ table }, clock) {
  const batches = table.flatMap(codedBuffers);
  clock.lap('load');
  const groups = new IntGroups();
  for (const batch of batches) groups.addAll(batch);
  const a = groups.columns();
  clock.lap('a');
  const labels = new Labels();
  const b = byLabel(batches, labels);
  clock.lap('b');
  const c = byBoth(batches, labels);
  clock.lap('c');
  return { a, b, c };
}

export function W6({ facts, dimensions }, clock) {
  const [[left], [right]] = [buffers(facts[0]), buffers(dimensions[0])];
  clock.lap('load');
  const bits = 18;
  const mask = (1 << bits) - 1;
  const keys = new Int32Array(1 << bits);
  // NaN marks a free slot: weights are numbers.
  const weights = new Float64Array(1 << bits).fill(Number.NaN);
  const slotOf = (key) => {
    let slot = Math.imul(key, GOLDEN) >>> (32 - bits);
    while (keys[slot] !== key && weights[slot] === weights[slot]) slot = (slot + 1) & mask;
    return slot;
  };
  for (let i = 0; i < right.length; i++) {
    const slot = slotOf(right.k.values[i]);
    keys[slot] = right.k.values[i];
    weights[slot] = right.w.values[i];
  }
  const [ks, vs] = [left.k.values, left.v.values];
  let [n, sum] = [0, 0];
  for (let i = 0; i < left.length; i++) {
    const weight = weights[slotOf(ks[i])];
    if (weight !== weight) continue;
    n += 1;
    sum += vs[i] * weight;
  }
  return { n: [n], sum: [sum] };
}
