import { SparkTypeError } from '../../errors.js';
import type { AccumulatorMark } from '../job_plan.js';
import { encode } from '../value_codec.js';
import type { UserFunction } from './functions.js';

interface Sum {
  mark: AccumulatorMark;
  value: unknown;
  used: boolean;
  add: (sum: unknown, value: unknown) => unknown;
}

/** The accumulators of a plan, as the task that runs now sees them: write-only, from zero in each task. */
export class TaskAccumulators {
  readonly #sums = new Map<number, Sum>();

  /** Puts accumulators in the place of their marks. */
  bind(bound: unknown, functions: readonly UserFunction[]): unknown {
    if (typeof bound !== 'object' || bound === null) return bound;
    for (const [name, value] of Object.entries(bound)) {
      if (typeof value !== 'object' || value === null || !('$accumulator' in value)) continue;
      (bound as Record<string, unknown>)[name] = this.#handle(value as AccumulatorMark, functions);
    }
    return bound;
  }

  #handle(mark: AccumulatorMark, functions: readonly UserFunction[]): { add(value: unknown): void } {
    let sum = this.#sums.get(mark.$accumulator);
    if (!sum)
      this.#sums.set(mark.$accumulator, (sum = { mark, value: structuredClone(mark.zero), used: false, add: adder(mark, functions) }));
    const own = sum;
    return {
      add(value) {
        own.value = own.add(own.value, value);
        own.used = true;
      },
      get value(): never {
        throw new SparkTypeError('Accumulator.value cannot be accessed inside tasks');
      },
    } as { add(value: unknown): void };
  }

  reset(): void {
    for (const sum of this.#sums.values()) [sum.value, sum.used] = [structuredClone(sum.mark.zero), false];
  }

  /** What the task has added, by accumulator; undefined if it added nothing. */
  take(): Uint8Array | undefined {
    const used = [...this.#sums.values()].filter((sum) => sum.used);
    return used.length > 0 ? encode(used.map((sum) => [sum.mark.$accumulator, sum.value])) : undefined;
  }
}

function adder({ add }: AccumulatorMark, functions: readonly UserFunction[]): Sum['add'] {
  if (add === 'list')
    return (sum, value) => {
      (sum as unknown[]).push(value);
      return sum;
    };
  if (add !== 'sum') return functions[add.f]!;
  return (sum, value) => {
    if (typeof value !== 'number')
      throw new SparkTypeError(`an accumulator of numbers cannot add ${value === null ? 'null' : typeof value}`);
    return (sum as number) + value;
  };
}
