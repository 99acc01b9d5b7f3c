/**
 * Count, mean, sums of squares and extremes of numbers (`StatCounter`). Without numbers the mean is 0, the variances are NaN, and
 * the extremes infinite.
 */
export class StatCounter {
  /** Makes a result from its parts: count, mean, sum of squared distances from the mean, minimum and maximum. */
  constructor(
    /** How many numbers there are. */ readonly count: number,
    private readonly mu: number,
    private readonly m2: number,
    /** The smallest; infinite without numbers. */ readonly min: number,
    /** The largest; minus infinite without numbers. */ readonly max: number,
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

  /** Returns the mean; 0 without numbers. */
  mean(): number {
    return this.mu;
  }
  /** Returns the sum. */
  sum(): number {
    return this.mu * this.count;
  }
  /** Returns the variance of the population; NaN without numbers. */
  variance(): number {
    return this.count === 0 ? NaN : this.m2 / this.count;
  }
  /** Returns the standard deviation of the population; NaN without numbers. */
  stdev(): number {
    return Math.sqrt(this.variance());
  }
  /** Returns the variance of a sample, by n − 1; NaN for fewer than two numbers. */
  sampleVariance(): number {
    return this.count <= 1 ? NaN : this.m2 / (this.count - 1);
  }
  /** Returns the standard deviation of a sample; NaN for fewer than two numbers. */
  sampleStdev(): number {
    return Math.sqrt(this.sampleVariance());
  }
  /** Returns all of it as Spark writes it. */
  toString(): string {
    return `(count: ${this.count}, mean: ${this.mu}, stdev: ${this.stdev()}, max: ${this.max}, min: ${this.min})`;
  }
}
