/** Count, mean, sums of squares and extremes of numbers (`StatCounter`). Without numbers the mean is 0, the variances are NaN, and the extremes infinite. */
export class StatCounter {
  constructor(
    readonly count: number,
    private readonly mu: number,
    private readonly m2: number,
    readonly min: number,
    readonly max: number,
  ) {}

  /** Merges the sums of partitions: `[count, mean, sum of squared distances, min, max]` each (Chan et al.). */
  static of(parts: readonly (readonly [number, number, number, number, number])[]): StatCounter {
    let [n, mu, m2, min, max] = [0, 0, 0, Infinity, -Infinity];
    for (const [count, mean, squares, low, high] of parts) {
      if (count === 0) continue;
      const delta = mean - mu;
      const total = n + count;
      m2 += squares + (delta * delta * n * count) / total;
      mu += (delta * count) / total;
      n = total;
      min = Math.min(min, low);
      max = Math.max(max, high);
    }
    return new StatCounter(n, mu, m2, min, max);
  }

  mean(): number {
    return this.mu;
  }
  sum(): number {
    return this.mu * this.count;
  }
  /** Of the population. */
  variance(): number {
    return this.count === 0 ? NaN : this.m2 / this.count;
  }
  stdev(): number {
    return Math.sqrt(this.variance());
  }
  /** Of a sample: by n − 1. */
  sampleVariance(): number {
    return this.count <= 1 ? NaN : this.m2 / (this.count - 1);
  }
  sampleStdev(): number {
    return Math.sqrt(this.sampleVariance());
  }
  toString(): string {
    return `(count: ${this.count}, mean: ${this.mu}, stdev: ${this.stdev()}, max: ${this.max}, min: ${this.min})`;
  }
}
