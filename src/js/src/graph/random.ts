/** `java.util.Random`: the same numbers for the same seed. */
export class JavaRandom {
  #state: bigint;
  #nextGaussian: number | undefined;

  constructor(seed: number) {
    this.#state = (BigInt(seed) ^ 0x5deece66dn) & 0xffffffffffffn;
  }

  #next(bits: number): number {
    this.#state = (this.#state * 0x5deece66dn + 0xbn) & 0xffffffffffffn;
    return Number(BigInt.asIntN(32, this.#state >> BigInt(48 - bits)));
  }
  /** Returns any whole number of 32 bits. */
  nextInt(): number {
    return this.#next(32);
  }
  /** Returns a whole number from 0 up to below `bound`. */
  nextBelow(bound: number): number {
    if ((bound & -bound) === bound) return Number((BigInt(bound) * BigInt(this.#next(31))) >> 31n);
    for (;;) {
      const bits = this.#next(31);
      const value = bits % bound;
      if (bits - value + (bound - 1) < 2 ** 31) return value;
    }
  }
  /** Returns a number in [0, 1). */
  nextDouble(): number {
    return (this.#next(26) * 2 ** 27 + this.#next(27)) / 2 ** 53;
  }
  /** Returns a normally distributed number (Marsaglia's polar method). */
  nextGaussian(): number {
    if (this.#nextGaussian !== undefined) {
      const kept = this.#nextGaussian;
      this.#nextGaussian = undefined;
      return kept;
    }
    for (;;) {
      const [a, b] = [2 * this.nextDouble() - 1, 2 * this.nextDouble() - 1];
      const square = a * a + b * b;
      if (square >= 1 || square === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      this.#nextGaussian = b * scale;
      return a * scale;
    }
  }
}
