import type { Literal } from '../connect/messages.js';
import { IllegalArgumentException, SparkTypeError } from '../errors.js';
import { isRecord } from '../values/fit.js';
import { kindOf, shown } from '../values/misfit.js';
import { DataFrame } from './dataframe.js';
import { literalOf } from './literal.js';
import { type Context, type Plan, planOf } from './plan.js';

type Fill = string | number | bigint | boolean;

/** Functions for nulls and NaNs: `df.na` (`DataFrameNaFunctions`). */
export class DataFrameNaFunctions {
  /** @internal */
  constructor(
    private readonly context: Context,
    private readonly plan: Plan,
  ) {}

  /**
   * Replaces nulls (and NaNs, if the value is a number) by one value in all columns of a fitting type, or in `cols`, or by a value
   * for each named column.
   * @example
   * ```ts
   * const gaps = spark.createDataFrame([{ a: 1, b: null }], 'a INT, b INT');
   * await gaps.na.fill(0).first(); // → { a: 1, b: 0 }
   * ```
   */
  fill(value: Fill | Readonly<Record<string, Fill>>, cols: string[] = []): DataFrame {
    const [names, values] = isRecord(value) ? [Object.keys(value), Object.values(value)] : [cols, [value]];
    return this.#derive({ case: 'fillNa', value: { input: this.plan.relation, cols: names, values: values.map(fillLiteral) } });
  }

  /**
   * Drops rows with any null or NaN (the default), with nothing else (`how: 'all'`), or with fewer than `thresh` other values.
   * @example
   * ```ts
   * const holes = spark.createDataFrame([{ a: 1 }, { a: null }], 'a INT');
   * await holes.na.drop().count(); // → 1
   * ```
   */
  drop(options: { how?: 'any' | 'all'; thresh?: number; subset?: string[] } = {}): DataFrame {
    const minNonNulls = options.thresh ?? (options.how === 'all' ? 1 : undefined);
    return this.#derive({ case: 'dropNa', value: { input: this.plan.relation, cols: options.subset ?? [], minNonNulls } });
  }

  /** Replaces values by others in all columns of a fitting type, or in `cols`; null may stand on either side. */
  replace(replacements: ReadonlyMap<Fill | null, Fill | null>, cols: string[] = []): DataFrame {
    if (replacements.size === 0)
      throw new IllegalArgumentException('replace() needs at least one replacement', { condition: 'CANNOT_BE_EMPTY' });
    return this.#derive({
      case: 'replace',
      value: {
        input: this.plan.relation,
        cols,
        replacements: [...replacements].map(([from, to]) => ({ oldValue: widened(from), newValue: widened(to) })),
      },
    });
  }

  #derive(relType: Parameters<typeof planOf>[1]): DataFrame {
    return new DataFrame(this.context, planOf(this.context, relType, this.plan));
  }
}

function fillLiteral(value: Fill): Literal {
  if (!['string', 'number', 'bigint', 'boolean'].includes(typeof value)) {
    const message = `fill() takes a boolean, a number or a string, or an object of these, not ${shown(value)} (${kindOf(value)})`;
    throw new SparkTypeError(message, { condition: 'NOT_EXPECTED_TYPE' });
  }
  const isWhole = typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0);
  return literalOf(isWhole ? BigInt(value) : value);
}

/** Spark's server compares replacements as doubles where they are numbers. */
function widened(value: Fill | null): Literal {
  return typeof value === 'number' ? { literalType: { case: 'double', value } } : literalOf(value);
}
