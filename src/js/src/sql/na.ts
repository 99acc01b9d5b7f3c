import type { Literal } from '../connect/messages.js';
import { IllegalArgumentException } from '../errors.js';
import { DataFrame } from './dataframe.js';
import { literalOf } from './literal.js';
import { planOf, type Context, type Plan } from './plan.js';

type Fill = string | number | boolean;

/** What to do about nulls (and NaNs): `df.na`. */
export class DataFrameNaFunctions {
  /** @internal */
  constructor(
    private readonly context: Context,
    private readonly plan: Plan,
  ) {}

  /** Replaces nulls: by one value in all columns (or in `cols`) of a fitting type, or by a value for each named column. */
  fill(value: Fill | Readonly<Record<string, Fill>>, cols: string[] = []): DataFrame {
    const [names, values] = typeof value === 'object' ? [Object.keys(value), Object.values(value)] : [cols, [value]];
    return this.#derive({ case: 'fillNa', value: { input: this.plan.relation, cols: names, values: values.map(fillLiteral) } });
  }

  /** Drops rows with nulls: with any (the default), with nothing else (`all`), or with fewer than `thresh` values. */
  drop(options: { how?: 'any' | 'all'; thresh?: number; subset?: string[] } = {}): DataFrame {
    const minNonNulls = options.thresh ?? (options.how === 'all' ? 1 : undefined);
    return this.#derive({ case: 'dropNa', value: { input: this.plan.relation, cols: options.subset ?? [], minNonNulls } });
  }

  /** Replaces values by others in all columns, or in `cols`. */
  replace(replacements: ReadonlyMap<Fill | null, Fill | null>, cols: string[] = []): DataFrame {
    if (replacements.size === 0) throw new IllegalArgumentException('replace() needs at least one replacement');
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
  return typeof value === 'number' && Number.isSafeInteger(value) ? literalOf(BigInt(value)) : literalOf(value);
}

/** Spark's server compares replacements as doubles where they are numbers. */
function widened(value: Fill | null): Literal {
  return typeof value === 'number' ? { literalType: { case: 'double', value } } : literalOf(value);
}
