import { IllegalArgumentException } from '../errors.js';

/** Weights of `PIDRateEstimator`: of the error now, of all errors so far, and of how it changes. */
interface Weights { proportional: number; integral: number; derivative: number; minRate: number }

/**
 * How many records a second may come in, told from how long batches took (`PIDRateEstimator`). The first batch sets the rate that
 * it was processed with.
 */
export class RateEstimator {
  #last: { timeMs: number; rate: number; error: number } | undefined;

  constructor(private readonly batchMs: number, private readonly weights: Weights) {
    if (batchMs <= 0) throw new IllegalArgumentException(`the batch interval (${batchMs} ms) must be positive`);
  }

  /** Records a second; undefined until a batch with records is done. */
  get rate(): number | undefined { return this.#last?.rate; }

  compute(timeMs: number, records: number, processingMs: number, schedulingMs: number): void {
    if (records <= 0 || processingMs <= 0 || (this.#last && timeMs <= this.#last.timeMs)) return;
    const processed = (records / processingMs) * 1000;
    if (!this.#last) {
      this.#last = { timeMs, rate: processed, error: 0 };
      return;
    }
    const seconds = (timeMs - this.#last.timeMs) / 1000;
    const error = this.#last.rate - processed;
    const history = (schedulingMs * processed) / this.batchMs;
    const change = (error - this.#last.error) / seconds;
    const { proportional, integral, derivative, minRate } = this.weights;
    const rate = Math.max(this.#last.rate - proportional * error - integral * history - derivative * change, minRate);
    this.#last = { timeMs, rate, error };
  }
}
