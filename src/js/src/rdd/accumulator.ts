import { SparkTypeError } from '../errors.js';
import type { AnyRemote } from './remote.js';

/** How values of a type of your own are added up (`AccumulatorParam`). */
export interface AccumulatorParam<T, V = T> {
  /** Where tasks begin. */
  zero: T;
  /** Adds a value, or another sum, to a sum and returns it; runs in executors and on the page. */
  addInPlace: (sum: T, value: V | T) => T;
}

/** How {@link Accumulator}s add. */
export type Adding = 'sum' | 'list' | AnyRemote;

/**
 * A variable that tasks add to and only the page reads (`AccumulatorV2`). Bind it to the functions that add. What a task added
 * counts once, when its job is done and for the attempt that counted. A task that has to run again for a later job (what it
 * shuffled or kept is lost) adds again: only in actions is each row added exactly once, as in Spark. What a failed or cancelled job
 * added does not count.
 * @example
 * ```ts
 * const odd = sc.collectionAccumulator<number>('odd');
 * await sc.range(6).foreach((x, b) => { if (x % 2) b.odd.add(x); }, { odd });
 * odd.value.sort(); // → [1, 3, 5]
 * ```
 */
export class Accumulator<T, V = T> {
  #value: T;

  /** @internal */
  constructor(
    /** Its number among all accumulators of the page. */ readonly id: number,
    initial: T,
    /** Where tasks begin. */ readonly zero: T,
    /** @internal */ readonly adding: Adding,
    private readonly merge: (sum: T, value: T) => T,
    /** Its name, if it was given one. */ readonly name?: string,
  ) {
    this.#value = initial;
  }

  /** The sum of all that finished jobs have added. In an executor it cannot be read. */
  get value(): T {
    return this.#value;
  }
  set value(value: T) {
    this.#value = value;
  }
  /** Adds a value: on the page to the sum itself, in an executor to the task's own sum. */
  add(value: V): void {
    this.#value = this.merge(this.#value, (this.adding === 'list' ? [value] : value) as unknown as T);
  }
  /** Returns it to the zero value. */
  reset(): void {
    this.#value = structuredClone(this.zero);
  }

  /** What a task has added. @internal */
  merged(sum: unknown): void {
    this.#value = this.merge(this.#value, sum as T);
  }
}

/** Adds numbers; throws for a value that is not a number, where it is added. */
export function addNumbers(a: number, b: number): number {
  if (typeof b !== 'number') throw new SparkTypeError(`an accumulator of numbers cannot add ${typeof b}`);
  return a + b;
}
