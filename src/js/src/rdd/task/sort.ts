/** Stable sorts of rows by keys: numbers by radix, strings and other keys by comparison. */
import { compare } from './keys.js';

/** Rows below this many are compared; counting digits would cost more. */
const FEW = 512;

/** The rows in the order of their keys; equal keys keep theirs. `keys[i]` is of `rows[i]`. */
export function sortByKeys(rows: readonly unknown[], keys: readonly unknown[], ascending: boolean): unknown[] {
  const order =
    rows.length >= FEW && keys.every((key) => typeof key === 'number') ? radix(keys as number[], ascending) : compared(keys, ascending);
  const out = new Array<unknown>(rows.length);
  for (let i = 0; i < order.length; i++) out[i] = rows[order[i]!];
  return out;
}

function compared(keys: readonly unknown[], ascending: boolean): Uint32Array {
  const order = new Uint32Array(keys.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  const sign = ascending ? 1 : -1;
  if (keys.every((key) => typeof key === 'string')) {
    const strings = keys as readonly string[];
    return order.sort((a, b) => (strings[a]! < strings[b]! ? -sign : strings[a]! > strings[b]! ? sign : a - b));
  }
  return order.sort((a, b) => sign * compare(keys[a], keys[b]) || a - b);
}

/**
 * Places of numbers in order, least significant digits first. The bits of a double are ordered as the numbers are once those of
 * negative ones are inverted; NaN, which has a bit pattern above infinity's, is the greatest, as in Spark.
 */
function radix(keys: readonly number[], ascending: boolean): Uint32Array {
  const n = keys.length;
  const doubles = new Float64Array(n);
  // −0 is 0; of NaN there is one.
  for (let i = 0; i < n; i++) doubles[i] = keys[i]! + 0;
  const words = new Uint32Array(doubles.buffer);
  for (let i = 0; i < n; i++) {
    const [low, high] = [2 * i, 2 * i + 1];
    const negative = words[high]! >>> 31 === 1 && doubles[i] === doubles[i];
    let [a, b] = negative ? [~words[low]!, ~words[high]!] : [words[low]!, words[high]! | 0x80000000];
    if (!ascending) [a, b] = [~a, ~b];
    words[low] = a;
    words[high] = b;
  }
  let order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  let next = new Uint32Array(n);
  // Digits do not go across words; many rows are worth a longer count.
  const bits = n > 1 << 15 ? 16 : 8;
  const mask = (1 << bits) - 1;
  const counts = new Uint32Array((1 << bits) + 1);
  for (let word = 0; word < 2; word++) {
    for (let shift = 0; shift < 32; shift += bits) {
      counts.fill(0);
      for (let i = word; i < words.length; i += 2) counts[((words[i]! >>> shift) & mask) + 1]!++;
      // All alike: nothing to do for this digit.
      if (counts[((words[word]! >>> shift) & mask) + 1] === n) continue;
      for (let d = 1; d < counts.length; d++) counts[d]! += counts[d - 1]!;
      for (let i = 0; i < n; i++) {
        const at = order[i]!;
        next[counts[(words[2 * at + word]! >>> shift) & mask]!++] = at;
      }
      [order, next] = [next, order];
    }
  }
  return order;
}
