/** HyperLogLog (Flajolet et al. 2007): how many different values there are, in 2^bits registers of a byte. */
import { identity } from './keys.js';

/** Adds a value to a sketch. */
export function add(registers: Uint8Array, bits: number, value: unknown): void {
  const [high, low] = hash64(typeOf(value) + String(identity(value)));
  const register = high >>> (32 - bits);
  // The rest of the hash: leading zeros, and one.
  const rest = high << bits;
  const zeros = rest === 0 ? 32 - bits + Math.clz32(low) : Math.clz32(rest);
  const rank = Math.min(zeros, 64 - bits) + 1;
  if (rank > registers[register]!) registers[register] = rank;
}

/** 1 and '1' differ. */
function typeOf(value: unknown): string {
  return (typeof value)[0]!;
}

/** The estimate over sketches of the parts. */
export function estimate(sketches: readonly Uint8Array[]): number {
  const [first] = sketches;
  if (!first) return 0;
  const m = first.length;
  let sum = 0;
  let empty = 0;
  for (let i = 0; i < m; i++) {
    let rank = 0;
    for (const sketch of sketches) rank = Math.max(rank, sketch[i]!);
    sum += 2 ** -rank;
    if (rank === 0) empty++;
  }
  const alpha = m === 16 ? 0.673 : m === 32 ? 0.697 : m === 64 ? 0.709 : 0.7213 / (1 + 1.079 / m);
  const raw = (alpha * m * m) / sum;
  // Few values: linear counting is better.
  return raw <= 2.5 * m && empty > 0 ? m * Math.log(m / empty) : raw;
}

/** 64 bits of a text, well mixed: FNV-like lanes with Murmur3's finalizer. */
function hash64(text: string): [high: number, low: number] {
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x5bd1e995) ^ (b >>> 15);
  }
  return [mix(a ^ Math.imul(b, 0x9e3779b1)), mix(b ^ text.length)];
}

function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
