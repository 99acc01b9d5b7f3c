/** Where edges go: GraphX's `PartitionStrategy`. */
import { compareIds, longHash, type VertexId } from './ids.js';

/** Names of the strategies. */
export type StrategyName = 'RandomVertexCut' | 'EdgePartition1D' | 'EdgePartition2D' | 'CanonicalRandomVertexCut';

/** Spreads ids that are close to each other (a prime near 2^50). */
const MIXING_PRIME = 1_125_899_906_842_597n;

/** |id · prime| in 64 bits, modulo `n`. */
function mixed(id: VertexId, n: number): number {
  const product = BigInt.asIntN(64, BigInt(id) * MIXING_PRIME);
  return Number((product < 0n ? -product : product) % BigInt(n));
}

const rotated = (value: number, by: number) => (value << by) | (value >>> (32 - by));

function mix(hash: number, part: number): number {
  const k = Math.imul(rotated(Math.imul(part, 0xcc9e2d51), 15), 0x1b873593);
  return (Math.imul(rotated(hash ^ k, 13), 5) + 0xe6546b64) | 0;
}

/** `"Tuple2".hashCode`, with which Scala's hash of a pair begins. */
const PAIR = mix(
  0xcafebabe | 0,
  [...'Tuple2'].reduce((hash, letter) => (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0, 0),
);

/** Scala's `##` of a Long: small ones hash as an Int. */
const scalaHash = (id: VertexId) => (typeof id === 'number' && (id | 0) === id ? id : longHash(id));

/** `(a, b).hashCode` of a pair of Longs in Scala 2.13. */
function pairHash(a: VertexId, b: VertexId): number {
  let hash = mix(mix(PAIR, scalaHash(a)), scalaHash(b)) ^ 2;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) | 0;
}

/** The functions of the strategies: ids of both ends and the number of partitions → the partition. */
export const STRATEGIES: Readonly<Record<StrategyName, (src: VertexId, dst: VertexId, partitions: number) => number>> = {
  RandomVertexCut: (src, dst, n) => Math.abs(pairHash(src, dst)) % n,
  CanonicalRandomVertexCut: (src, dst, n) => Math.abs(compareIds(src, dst) < 0 ? pairHash(src, dst) : pairHash(dst, src)) % n,
  EdgePartition1D: (src, _, n) => mixed(src, n),
  EdgePartition2D: (src, dst, n) => {
    const columns = Math.ceil(Math.sqrt(n));
    if (n === columns * columns) return (mixed(src, columns) * columns + mixed(dst, columns)) % n;
    const rows = Math.floor((n + columns - 1) / columns);
    const column = Math.floor(mixed(src, n) / rows);
    return column * rows + mixed(dst, column < columns - 1 ? rows : n - rows * (columns - 1));
  },
};
