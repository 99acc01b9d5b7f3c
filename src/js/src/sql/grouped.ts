import type { Expression } from '../connect/messages.js';
import { IllegalArgumentException } from '../errors.js';
import { Aggregate_GroupType as GroupType } from '../generated/spark/connect/relations_pb.js';
import { Column, type ColumnOrName, columnOf, type LiteralValue } from './column.js';
import { DataFrame } from './dataframe.js';
import { call } from './expression.js';
import { literalOf } from './literal.js';
import { type Context, type Plan, planOf } from './plan.js';

/** Aggregates by column: `{ score: 'avg' }`. */
export type AggregateMap = Readonly<Record<string, string>>;

/** Rows in groups, waiting for their aggregates (`GroupedData`). */
export class GroupedData {
  /** @internal */
  constructor(
    private readonly context: Context,
    private readonly plan: Plan,
    private readonly groupType: GroupType,
    private readonly grouping: Expression[],
    private readonly pivoted?: { col: Expression; values: LiteralValue[] },
  ) {}

  /**
   * Returns one row for each group, with these aggregates: columns, or an object of column name to function name.
   * @example
   * ```ts
   * await people.groupBy('team').agg({ age: 'avg' }).orderBy('team').collect(); // → [{ team: 'a', 'avg(age)': 32.5 }, { team: 'b', 'avg(age)': 41 }]
   * ```
   */
  agg(...aggregates: (Column | AggregateMap)[]): DataFrame {
    const expressions = aggregates.flatMap((aggregate) =>
      aggregate instanceof Column
        ? [aggregate.expr]
        : Object.entries(aggregate).map(([name, f]) => call(f, [name === '*' ? columnOf(1) : columnOf(name)])),
    );
    if (expressions.length === 0)
      throw new IllegalArgumentException('agg() needs at least one aggregate', { condition: 'CANNOT_BE_EMPTY' });
    return new DataFrame(
      this.context,
      planOf(
        this.context,
        {
          case: 'aggregate',
          value: {
            input: this.plan.relation,
            groupType: this.groupType,
            groupingExpressions: this.grouping,
            aggregateExpressions: expressions,
            ...(this.pivoted && { pivot: { col: this.pivoted.col, values: this.pivoted.values.map(literalOf) } }),
          },
        },
        this.plan,
      ),
    );
  }

  /**
   * Counts the rows of each group, as column `count`.
   * @example
   * ```ts
   * await people.groupBy('team').count().orderBy('team').collect(); // → [{ team: 'a', count: 2 }, { team: 'b', count: 1 }]
   * ```
   */
  count(): DataFrame {
    return this.agg(new Column(call('count', [columnOf(1)])).alias('count'));
  }
  /** Sums these columns; nulls are skipped. */
  sum(...columns: string[]): DataFrame {
    return this.#each('sum', columns);
  }
  /** Computes the means of these columns; nulls are skipped. */
  avg(...columns: string[]): DataFrame {
    return this.#each('avg', columns);
  }
  /** Does the same as {@link avg}. */
  mean(...columns: string[]): DataFrame {
    return this.avg(...columns);
  }
  /** Returns the smallest values of these columns; nulls are skipped. */
  min(...columns: string[]): DataFrame {
    return this.#each('min', columns);
  }
  /** Returns the largest values of these columns; nulls are skipped. */
  max(...columns: string[]): DataFrame {
    return this.#each('max', columns);
  }

  #each(name: string, columns: string[]): DataFrame {
    return this.agg(...columns.map((column) => new Column(call(name, [columnOf(column)]))));
  }

  /**
   * Turns the values of a column into columns. The engine needs `values`: without them the first action throws
   * UNSUPPORTED_FEATURE.RIVULET.
   * @example
   * ```ts
   * const ages = people.groupBy().pivot('team', ['a', 'b']).agg(F.max('age'));
   * await ages.first(); // → { a: 36, b: 41 }
   * ```
   */
  pivot(column: ColumnOrName, values: LiteralValue[] = []): GroupedData {
    if (this.groupType !== GroupType.GROUPBY) throw new IllegalArgumentException('pivot() can only follow groupBy()');
    return new GroupedData(this.context, this.plan, GroupType.PIVOT, this.grouping, { col: columnOf(column), values });
  }
}
