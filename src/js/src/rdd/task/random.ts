/** A seeded generator per partition (splitmix seeding, xorshift128): the same seed returns the same sample, however often a task runs. */
export class PartitionRandom {
  readonly #state = new Uint32Array(4);

  constructor(seed: number, partition: number) {
    let at = (seed ^ Math.imul(partition + 1, 0x9e3779b9)) >>> 0;
    for (let i = 0; i < 4; i++) {
      at = (at + 0x9e3779b9) >>> 0;
      let mixed = Math.imul(at ^ (at >>> 16), 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
      this.#state[i] = mixed ^ (mixed >>> 16);
    }
    if (this.#state.every((word) => word === 0)) this.#state[0] = 1;
  }

  /** Uniform in [0, 1). */
  next(): number {
    const state = this.#state;
    let t = state[3]!;
    t ^= t << 11;
    t ^= t >>> 8;
    state[3] = state[2]!;
    state[2] = state[1]!;
    state[1] = state[0]!;
    t ^= state[0]! ^ (state[0]! >>> 19);
    state[0] = t;
    return (t >>> 0) / 0x1_0000_0000;
  }

  /** How often a row is drawn with replacement. */
  poisson(mean: number): number {
    if (mean <= 0) return 0;
    // Knuth's product, in parts small enough for exp.
    let count = 0;
    for (let left = mean; left > 0; left -= 500) {
      const limit = Math.exp(-Math.min(left, 500));
      for (let product = this.next(); product > limit; product *= this.next()) count++;
    }
    return count;
  }
}

/** Returns the fraction with which a sample of `count` rows has at least `n` with a probability of 99.99 % (`SamplingUtils`). */
export function sampleFraction(n: number, count: number, withReplacement: boolean): number {
  const fraction = n / count;
  if (withReplacement) return Math.max((n + (n < 12 ? 9 : 5) * Math.sqrt(n)) / count, 1e-10);
  const gamma = -Math.log(1e-4) / count;
  return Math.min(1, Math.max(1e-10, fraction + gamma + Math.sqrt(gamma * gamma + 2 * gamma * fraction)));
}
