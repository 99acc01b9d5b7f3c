import type { Clock } from '../clock.js';
import { IllegalArgumentException } from '../errors.js';

/** Weights of `PIDRateEstimator`: of the error now, of all errors so far, and of how it changes. */
interface Weights {
  proportional: number;
  integral: number;
  derivative: number;
  minRate: number;
}

/**
 * Estimates how many records per second may come in, from the durations of batches (`PIDRateEstimator`). The first batch is what the second
 * is measured by.
 */
export class RateEstimator {
  #last: { timeMs: number; rate: number; error: number } | undefined;
  #rate: number | undefined;

  constructor(
    private readonly batchMs: number,
    private readonly weights: Weights,
  ) {
    if (batchMs <= 0) throw new IllegalArgumentException(`the batch interval (${batchMs} ms) must be positive`);
  }

  /** Records per second; undefined until two batches with records are done. */
  get rate(): number | undefined {
    return this.#rate;
  }

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
    this.#rate = Math.max(this.#last.rate - proportional * error - integral * history - derivative * change, minRate);
    this.#last = { timeMs, rate: this.#rate, error };
  }
}

/** Interval at which held-back records are released, ms: one timer per record would be too expensive. */
const PAUSE_MS = 10;
/** How much unused time may be used later, ms. */
const SAVED_MS = 1000;

/**
 * Lets records of a stream in at an even rate (`RateLimiter`): at most `spark.streaming.receiver.maxRate` per second, and, with
 * `spark.streaming.backpressure.enabled`, as many as its batches can take.
 */
export class RateLimit {
  /** When the next record may come. */
  #freeMs: number | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly maxRate: number,
    private readonly estimator: RateEstimator | undefined,
  ) {}

  /** Returns the limit of these settings, or undefined. Throws an IllegalArgumentException for a setting that is not a number. */
  static of(conf: Readonly<Record<string, string>>, batchMs: number, clock: Clock): RateLimit | undefined {
    const setting = (key: string, otherwise: number) => numberOf(conf, `spark.streaming.${key}`, otherwise);
    // As in Spark, 0 means unlimited.
    const maxRate = setting('receiver.maxRate', 0) || Infinity;
    if (conf['spark.streaming.backpressure.enabled'] !== 'true')
      return maxRate < Infinity ? new RateLimit(clock, maxRate, undefined) : undefined;
    const weight = (name: string, otherwise: number) => setting(`backpressure.pid.${name}`, otherwise);
    return new RateLimit(
      clock,
      maxRate,
      new RateEstimator(batchMs, {
        proportional: weight('proportional', 1),
        integral: weight('integral', 0.2),
        derivative: weight('derived', 0),
        minRate: weight('minRate', 100),
      }),
    );
  }

  /** Resolves when `records` more records may come in. */
  async permit(records = 1): Promise<void> {
    const limit = Math.min(this.estimator?.rate ?? Infinity, this.maxRate);
    if (limit === Infinity) return;
    const now = this.clock.now();
    const fromMs = Math.max(this.#freeMs ?? now, now - SAVED_MS);
    this.#freeMs = fromMs + (records * 1000) / limit;
    if (fromMs > now) await new Promise<void>((resolve) => this.clock.at(Math.ceil(fromMs / PAUSE_MS) * PAUSE_MS, resolve));
  }

  /** Notes that a batch with `records` records of the stream is done. */
  processed(timeMs: number, records: number, processingMs: number, schedulingMs: number): void {
    this.estimator?.compute(timeMs, records, processingMs, schedulingMs);
  }
}

/** Returns a setting that is a number ≥ 0. */
function numberOf(conf: Readonly<Record<string, string>>, key: string, otherwise: number): number {
  const text = conf[key];
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (value >= 0) return value;
  throw new IllegalArgumentException(`${key} must be a number ≥ 0, got ${text}`);
}
