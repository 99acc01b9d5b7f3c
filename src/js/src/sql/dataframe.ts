import type { ActionOptions } from '../connect/action_options.js';
import type { RelationKind } from '../connect/messages.js';
import { typeToMessage } from '../connect/type_message.js';
import { IllegalArgumentException } from '../errors.js';
import { Aggregate_GroupType as GroupType, SetOperation_SetOpType as SetOp } from '../generated/spark/connect/relations_pb.js';
import type { RDD } from '../rdd/rdd.js';
import { asSchema } from '../values/ddl.js';
import { longOf } from '../values/fit.js';
import { fitted } from '../values/misfit.js';
import type { Row } from '../values/rows.js';
import type { StructType } from '../values/types.js';
import * as actions from './actions.js';
import { Column, type ColumnOrName, columnOf, type LiteralValue } from './column.js';
import { asSortOrder, attribute, call } from './expression.js';
import { type AggregateMap, GroupedData } from './grouped.js';
import { JOINS, type JoinType } from './joins.js';
import { KeyValueGroupedDataset } from './keyed.js';
import { part } from './load_part.js';
import { DataFrameNaFunctions } from './na.js';
import { Persisted } from './persisted.js';
import { type Context, type Plan, planOf } from './plan.js';
import { DataStreamWriter } from './streaming/stream_writer.js';
import { DataFrameWriter } from './writer.js';

/**
 * A distributed table, bounded or a stream (`DataFrame`). Methods that return a DataFrame only describe work; methods that return a
 * promise are actions: they send the description to the engine, and that is where names and types are checked.
 */
export class DataFrame extends Persisted implements AsyncIterable<Row> {
  /** Result that is here already. */
  readonly #local: readonly Uint8Array[] | undefined;

  /** @internal */
  constructor(context: Context, plan: Plan, local?: readonly Uint8Array[]) {
    super(context, plan);
    this.#local = local;
  }

  #derive(relType: RelationKind, ...others: DataFrame[]): DataFrame {
    return new DataFrame(this.context, planOf(this.context, relType, this.plan, ...others.map((other) => other.plan)));
  }
  get #input() {
    return this.plan.relation;
  }

  /**
   * The rows as an RDD of objects, as {@link collect} returns them, to be processed by JavaScript functions. The table is computed
   * once, when the RDD is first used.
   * @example
   * ```ts
   * await people.rdd.map((row) => row['age'] as number).max(); // → 41
   * ```
   */
  get rdd(): RDD<Row> {
    return part().rowsOf(this.context, this.plan);
  }

  // ---- Columns -------------------------------------------------------------------------------------------------------

  /** Returns a column of this DataFrame, which stays unambiguous in a join of tables with equal names. */
  col(name: string): Column {
    return new Column(attribute(name, this.plan.relation.common?.planId));
  }
  /**
   * Returns these columns, in this order.
   * @example
   * ```ts
   * const older = people.select('name', F.col('age').plus(1).alias('next'));
   * await older.filter(F.col('name').eq('Ada')).first(); // → { name: 'Ada', next: 37 }
   * ```
   */
  select(...columns: (ColumnOrName | ColumnOrName[])[]): DataFrame {
    return this.#derive({ case: 'project', value: { input: this.#input, expressions: columns.flat().map(columnOf) } });
  }
  /**
   * Returns columns that are written as SQL expressions.
   * @example
   * ```ts
   * await people.selectExpr('max(age) - min(age) AS spread').first(); // → { spread: 12 }
   * ```
   */
  selectExpr(...expressions: string[]): DataFrame {
    return this.select(...expressions.map((expression) => new Column({ exprType: { case: 'expressionString', value: { expression } } })));
  }
  /**
   * Adds a column, or replaces the one of that name.
   * @example
   * ```ts
   * const adults = people.withColumn('adult', F.col('age').geq(18));
   * await adults.columns(); // → ['name', 'team', 'age', 'adult']
   * ```
   */
  withColumn(name: string, column: Column): DataFrame {
    return this.withColumns({ [name]: column });
  }
  /** Adds or replaces several columns, all computed from the columns that were there before. */
  withColumns(columns: Readonly<Record<string, Column>>): DataFrame {
    const aliases = Object.entries(columns).map(([name, column]) => ({ name: [name], expr: column.expr }));
    return this.#derive({ case: 'withColumns', value: { input: this.#input, aliases } });
  }
  /** Notes something about a column, which stays with it: the schema has it as `metadata`. */
  withMetadata(columnName: string, metadata: Readonly<Record<string, unknown>>): DataFrame {
    const expr = this.col(columnName).expr;
    const aliases = [{ name: [columnName], expr, metadata: JSON.stringify(metadata) }];
    return this.#derive({ case: 'withColumns', value: { input: this.#input, aliases } });
  }
  /**
   * Makes a row of each column but the index, named in `key`, and a column of each value of the index, ascending. Without a name the
   * first column is the index. Rows are collected first: `spark.sql.transposeMaxValues` of them at most.
   * @example
   * ```ts
   * const ages = people.select('name', 'age').transpose();
   * await ages.collect(); // → [{ key: 'age', Ada: 36, Bob: 41, Cleo: 29 }]
   * ```
   */
  transpose(indexColumn?: ColumnOrName): DataFrame {
    const indexColumns = indexColumn === undefined ? [] : [columnOf(indexColumn)];
    return this.#derive({ case: 'transpose', value: { input: this.#input, indexColumns } });
  }
  /** Renames a column; does nothing if there is none of that name. */
  withColumnRenamed(existing: string, renamed: string): DataFrame {
    return this.withColumnsRenamed({ [existing]: renamed });
  }
  /** Renames columns; names that do not exist are ignored. */
  withColumnsRenamed(names: Readonly<Record<string, string>>): DataFrame {
    const renames = Object.entries(names).map(([colName, newColName]) => ({ colName, newColName }));
    return this.#derive({ case: 'withColumnsRenamed', value: { input: this.#input, renames } });
  }
  /**
   * Leaves out these columns; names that do not exist are ignored.
   * @example
   * ```ts
   * await people.drop('team', 'shoes').columns(); // → ['name', 'age']
   * ```
   */
  drop(...columns: ColumnOrName[]): DataFrame {
    return this.#derive({
      case: 'drop',
      value: {
        input: this.#input,
        columns: columns.filter((column) => column instanceof Column).map((column) => column.expr),
        columnNames: columns.filter((column) => typeof column === 'string'),
      },
    });
  }
  /** Renames all columns, in order. Throws if there are more or fewer names than columns. */
  toDF(...columnNames: string[]): DataFrame {
    return this.#derive({ case: 'toDf', value: { input: this.#input, columnNames } });
  }
  /**
   * Reorders and casts the columns to fit a schema; a column that the schema lacks is left out, one that is missing is null if
   * nullable.
   */
  to(schema: StructType | string): DataFrame {
    return this.#derive({ case: 'toSchema', value: { input: this.#input, schema: typeToMessage(asSchema(schema)) } });
  }

  // ---- Rows ----------------------------------------------------------------------------------------------------------

  /**
   * Keeps the rows where the condition, a column or an SQL expression, is true; rows where it is null are dropped.
   * @example
   * ```ts
   * await people.filter(F.col('age').gt(30)).count(); // → 2
   * await people.filter("team = 'a' AND age < 30").count(); // → 1
   * ```
   */
  filter(condition: Column | string): DataFrame {
    const expression =
      typeof condition === 'string'
        ? { exprType: { case: 'expressionString' as const, value: { expression: condition } } }
        : condition.expr;
    return this.#derive({ case: 'filter', value: { input: this.#input, condition: expression } });
  }
  /**
   * Does the same as {@link filter}.
   * @example
   * ```ts
   * await people.where('age > 40').first(); // → { name: 'Bob', team: 'b', age: 41 }
   * ```
   */
  where(condition: Column | string): DataFrame {
    return this.filter(condition);
  }
  /**
   * Sorts all rows; names and columns ascend, nulls first, unless they say otherwise.
   * @example
   * ```ts
   * const byAge = await people.orderBy(F.desc('age')).collect();
   * byAge.map((row) => row['name']); // → ['Bob', 'Ada', 'Cleo']
   * ```
   */
  orderBy(...columns: ColumnOrName[]): DataFrame {
    return this.#sort(columns, true);
  }
  /** Does the same as {@link orderBy}. */
  sort(...columns: ColumnOrName[]): DataFrame {
    return this.#sort(columns, true);
  }
  /** Sorts the rows inside each partition, without moving them. */
  sortWithinPartitions(...columns: ColumnOrName[]): DataFrame {
    return this.#sort(columns, false);
  }
  #sort(columns: ColumnOrName[], isGlobal: boolean): DataFrame {
    return this.#derive({ case: 'sort', value: { input: this.#input, order: columns.map((c) => asSortOrder(columnOf(c))), isGlobal } });
  }
  /**
   * Keeps at most `n` rows: the first ones after {@link orderBy}, else any.
   * @example
   * ```ts
   * await spark.range(1_000).limit(10).count(); // → 10
   * ```
   */
  limit(n: number): DataFrame {
    return this.#derive({ case: 'limit', value: { input: this.#input, limit: n } });
  }
  /** Leaves out the first `n` rows. */
  offset(n: number): DataFrame {
    return this.#derive({ case: 'offset', value: { input: this.#input, offset: n } });
  }
  /**
   * Removes duplicate rows; nulls equal nulls. On a stream it keeps every row it has seen, unless a watermark ends that.
   * @example
   * ```ts
   * await people.select('team').distinct().count(); // → 2
   * ```
   */
  distinct(): DataFrame {
    return this.#deduplicate([], false);
  }
  /**
   * Keeps one row for each combination of these columns, or of all columns without them.
   * @example
   * ```ts
   * await people.dropDuplicates(['team']).count(); // → 2
   * ```
   */
  dropDuplicates(columns: string[] = []): DataFrame {
    return this.#deduplicate(columns, false);
  }
  /**
   * Removes duplicates on a stream as {@link dropDuplicates} does; duplicates further apart than the watermark's delay may pass.
   */
  dropDuplicatesWithinWatermark(columns: string[] = []): DataFrame {
    return this.#deduplicate(columns, true);
  }
  #deduplicate(columnNames: string[], withinWatermark: boolean): DataFrame {
    return this.#derive({
      case: 'deduplicate',
      value: { input: this.#input, columnNames, allColumnsAsKeys: columnNames.length === 0, withinWatermark },
    });
  }
  /**
   * Returns a random share of the rows; `withReplacement`, each of them as often as it is drawn. The same seed over the same rows in
   * the same partitions returns the same sample, Spark's.
   */
  sample(fraction: number, options: { withReplacement?: boolean; seed?: number | bigint } = {}): DataFrame {
    const seed = fitted(() => longOf(options.seed ?? Math.floor(Math.random() * Number.MAX_SAFE_INTEGER)));
    const withReplacement = options.withReplacement ?? false;
    return this.#derive({ case: 'sample', value: { input: this.#input, lowerBound: 0, upperBound: fraction, withReplacement, seed } });
  }
  /** Functions for nulls and NaNs. */
  get na(): DataFrameNaFunctions {
    return new DataFrameNaFunctions(this.context, this.plan);
  }

  // ---- Groups, joins, sets --------------------------------------------------------------------------------------------

  /**
   * Groups rows with equal values of these columns, for aggregates; nulls form a group of their own.
   * @example
   * ```ts
   * const teams = people.groupBy('team').agg(F.count('*').alias('n'), F.max('age').alias('oldest'));
   * await teams.orderBy('team').collect(); // → [{ team: 'a', n: 2, oldest: 36 }, { team: 'b', n: 1, oldest: 41 }]
   * ```
   */
  groupBy(...columns: (ColumnOrName | ColumnOrName[])[]): GroupedData {
    return this.#group(GroupType.GROUPBY, columns.flat());
  }
  /** Groups rows by key for functions with state of their own: `flatMapGroupsWithState`, `transformWithState`. */
  groupByKey(...columns: ColumnOrName[]): KeyValueGroupedDataset {
    return new KeyValueGroupedDataset(this.context, this.plan, columns.map(columnOf));
  }
  /** Groups as {@link groupBy} does, and adds the totals of the columns from right to left. */
  rollup(...columns: ColumnOrName[]): GroupedData {
    return this.#group(GroupType.ROLLUP, columns);
  }
  /** Groups as {@link groupBy} does, and adds the totals of every subset of the columns. */
  cube(...columns: ColumnOrName[]): GroupedData {
    return this.#group(GroupType.CUBE, columns);
  }
  #group(type: GroupType, columns: ColumnOrName[]): GroupedData {
    return new GroupedData(this.context, this.plan, type, columns.map(columnOf));
  }
  /**
   * Aggregates all rows into one.
   * @example
   * ```ts
   * await people.agg(F.avg('age').alias('mean'), F.count('*').alias('n')).first(); // → { mean: 35.333333333333336, n: 3 }
   * ```
   */
  agg(...aggregates: (Column | AggregateMap)[]): DataFrame {
    return this.groupBy().agg(...aggregates);
  }
  /**
   * Joins by a condition, or by columns of equal names, which then appear once. Rows with a null key match nothing.
   * @example
   * ```ts
   * const rooms = spark.createDataFrame([{ team: 'a', room: 7 }]);
   * const placed = people.join(rooms, 'team', 'left').select('name', 'room').orderBy('name');
   * await placed.collect(); // → [{ name: 'Ada', room: 7 }, { name: 'Bob', room: null }, { name: 'Cleo', room: 7 }]
   * ```
   */
  join(other: DataFrame, on?: string | string[] | Column | Column[], how: JoinType = 'inner'): DataFrame {
    const joinType = JOINS[how.toLowerCase().replaceAll('_', '') as JoinType];
    if (joinType === undefined)
      throw new IllegalArgumentException(`Unsupported join type '${how}'`, { condition: 'UNSUPPORTED_JOIN_TYPE' });
    const keys = on === undefined ? [] : Array.isArray(on) ? on : [on];
    const columns = keys.filter((key) => key instanceof Column);
    const joinCondition = columns.length > 0 ? columns.reduce((a, b) => a.and(b)).expr : undefined;
    const usingColumns = keys.filter((key) => typeof key === 'string');
    return this.#derive(
      { case: 'join', value: { left: this.#input, right: other.plan.relation, joinCondition, usingColumns, joinType } },
      other,
    );
  }
  /** Pairs every row with every row of `other`. */
  crossJoin(other: DataFrame): DataFrame {
    return this.join(other, undefined, 'cross');
  }
  /**
   * Returns the rows of both, by the columns' positions; duplicates stay (SQL's UNION ALL).
   * @example
   * ```ts
   * await spark.range(3).union(spark.range(2)).count(); // → 5
   * ```
   */
  union(other: DataFrame): DataFrame {
    return this.#set(other, SetOp.UNION, true, false);
  }
  /** Does the same as {@link union}. */
  unionAll(other: DataFrame): DataFrame {
    return this.union(other);
  }
  /**
   * Returns the rows of both, by the columns' names. With `allowMissingColumns` a column that one side lacks is null there; else it
   * is an error.
   */
  unionByName(other: DataFrame, allowMissingColumns = false): DataFrame {
    return this.#set(other, SetOp.UNION, true, true, allowMissingColumns);
  }
  /** Returns the distinct rows that occur in both. */
  intersect(other: DataFrame): DataFrame {
    return this.#set(other, SetOp.INTERSECT, false);
  }
  /** Returns the rows that occur in both, each as many times as it occurs in both. */
  intersectAll(other: DataFrame): DataFrame {
    return this.#set(other, SetOp.INTERSECT, true);
  }
  /** Returns the distinct rows that do not occur in `other`. */
  except(other: DataFrame): DataFrame {
    return this.#set(other, SetOp.EXCEPT, false);
  }
  /** Removes the rows of `other`, one occurrence for one. */
  exceptAll(other: DataFrame): DataFrame {
    return this.#set(other, SetOp.EXCEPT, true);
  }
  /** Does the same as {@link except}. */
  subtract(other: DataFrame): DataFrame {
    return this.except(other);
  }
  #set(other: DataFrame, setOpType: SetOp, isAll: boolean, byName = false, allowMissingColumns = false): DataFrame {
    const value = { leftInput: this.#input, rightInput: other.plan.relation, setOpType, isAll, byName, allowMissingColumns };
    return this.#derive({ case: 'setOp', value }, other);
  }

  // ---- Partitions, names, event time ---------------------------------------------------------------------------------

  /** Spreads the rows over `n` partitions: by the hash of columns if given, else evenly. */
  repartition(n: number | ColumnOrName, ...columns: ColumnOrName[]): DataFrame {
    const by = typeof n === 'number' ? columns : [n, ...columns];
    const numPartitions = typeof n === 'number' ? n : undefined;
    if (by.length === 0) return this.#derive({ case: 'repartition', value: { input: this.#input, numPartitions, shuffle: true } });
    const partitionExprs = by.map(columnOf);
    return this.#derive({ case: 'repartitionByExpression', value: { input: this.#input, partitionExprs, numPartitions } });
  }
  /** Merges partitions until there are `numPartitions`, without moving more rows than needed. */
  coalesce(numPartitions: number): DataFrame {
    return this.#derive({ case: 'repartition', value: { input: this.#input, numPartitions, shuffle: false } });
  }
  /** Names the table, so that columns can be qualified: `people.name`. */
  alias(alias: string): DataFrame {
    return this.#derive({ case: 'subqueryAlias', value: { input: this.#input, alias } });
  }
  /** Adds a hint for the planner, such as `broadcast`. The engine ignores hints so far. */
  hint(name: string, ...parameters: LiteralValue[]): DataFrame {
    return this.#derive({ case: 'hint', value: { input: this.#input, name, parameters: parameters.map((p) => columnOf(p)) } });
  }
  /**
   * Declares the event time of a stream, and how late a row may be (`10 minutes`): a row older than the newest event time minus
   * that delay is dropped, and state that only such rows could change is forgotten.
   * @example
   * ```ts
   * const events = spark.readStream.push({ schema: 'at TIMESTAMP, word STRING' });
   * const counts = events.df.withWatermark('at', '1 minute').groupBy(F.window('at', '1 minute'), 'word').count();
   * const query = await counts.writeStream.format('memory').queryName('late').outputMode('append').start();
   * await events.write({ at: new Date('2026-01-01T10:00:10Z'), word: 'x' });
   * await query.processAllAvailable();
   * await events.write({ at: new Date('2026-01-01T10:05:00Z'), word: 'y' });
   * await query.processAllAvailable();
   * const closed = await spark.table('late').select('word', 'count').collect();
   * await query.stop();
   * closed; // → [{ word: 'x', count: 1 }]
   * ```
   */
  withWatermark(eventTime: string, delayThreshold: string): DataFrame {
    return this.#derive({ case: 'withWatermark', value: { input: this.#input, eventTime, delayThreshold } });
  }
  /**
   * Computes count, mean, standard deviation, minimum and maximum of these columns, or of all that are numbers or strings; values
   * are strings.
   */
  describe(...cols: string[]): DataFrame {
    return this.#derive({ case: 'describe', value: { input: this.#input, cols } });
  }
  /**
   * Computes as {@link describe} does, with percentiles, or these statistics: `count`, `count_distinct`, `approx_count_distinct`,
   * `mean`, `stddev`, `min`, `max` and percentiles such as `25%`.
   */
  summary(...statistics: string[]): DataFrame {
    return this.#derive({ case: 'summary', value: { input: this.#input, statistics } });
  }
  /**
   * Applies a function to this DataFrame, for chains.
   * @example
   * ```ts
   * const named = (name: string) => (df: DataFrame) => df.filter(F.col('name').eq(name));
   * await people.transform(named('Ada')).count(); // → 1
   * ```
   */
  transform<R>(f: (df: DataFrame) => R): R {
    return f(this);
  }

  // ---- Actions -------------------------------------------------------------------------------------------------------

  /**
   * Returns all rows as objects, a member per column; null is `null`. `T` says which columns they have, and is not checked.
   * @example
   * ```ts
   * const all = await people.orderBy('name').collect<{ name: string; age: number }>();
   * all.map((person) => person.age); // → [36, 41, 29]
   * ```
   */
  async collect<T extends Row = Row>(options: ActionOptions = {}): Promise<T[]> {
    if (this.#local) return this.#local.flatMap((ipc) => part().rowsFromIPC(ipc, this.context.rowOptions)) as T[];
    return (await actions.runRows(this.context, this.plan, options)) as T[];
  }
  /**
   * Returns all rows as one Arrow IPC stream, for any Arrow library.
   * @example
   * ```ts
   * const arrow = await people.toArrow();
   * arrow instanceof Uint8Array; // → true
   * ```
   */
  async toArrow(options: ActionOptions = {}): Promise<Uint8Array> {
    if (this.#local) return part().joinStreams(this.#local);
    const streams: Uint8Array[] = [];
    for await (const stream of actions.runArrow(this.context, this.plan, options)) streams.push(stream);
    return part().joinStreams(streams);
  }
  /**
   * Does the same as {@link rows}.
   * @example
   * ```ts
   * let sum = 0;
   * for await (const row of spark.range(5)) sum += row['id'];
   * sum; // → 10
   * ```
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Row, void, undefined> {
    yield* this.rows();
  }
  /**
   * Yields the rows one after the other, as the engine delivers them; leaving the loop cancels the rest.
   * @example
   * ```ts
   * let ages = 0;
   * for await (const person of people.rows<{ age: number }>()) ages += person.age;
   * ages; // → 106
   * ```
   */
  async *rows<T extends Row = Row>(options: ActionOptions = {}): AsyncGenerator<T, void, undefined> {
    const streams = this.#local ?? actions.runArrow(this.context, this.plan, options);
    for await (const ipc of streams) yield* part().rowsFromIPC(ipc, this.context.rowOptions) as T[];
  }
  /**
   * Prints the first `n` rows to the console as Spark does. `truncate` is the width of cells in characters (true: 20, false: no
   * limit).
   * @example
   * ```ts
   * await people.show(); // prints a table of three rows
   * ```
   */
  async show(n = 20, truncate: boolean | number = true, options: ActionOptions & { vertical?: boolean } = {}): Promise<void> {
    console.log(await this.showString(n, truncate, options));
  }
  /**
   * Returns what {@link show} prints.
   * @example
   * ```ts
   * (await spark.range(1).showString()).split('\n')[1]; // → '| id|'
   * ```
   */
  async showString(n = 20, truncate: boolean | number = true, options: ActionOptions & { vertical?: boolean } = {}): Promise<string> {
    return actions.runShow(this.context, this.plan, n, truncate, options.vertical ?? false, options);
  }
  /**
   * Returns the first `n` rows.
   * @example
   * ```ts
   * (await people.orderBy('age').take(2)).map((row) => row['name']); // → ['Cleo', 'Ada']
   * ```
   */
  async take<T extends Row = Row>(n: number, options: ActionOptions = {}): Promise<T[]> {
    return this.limit(n).collect<T>(options);
  }
  /** Returns the first row, or null; with `n`, the first `n` rows as an array. */
  async head<T extends Row = Row>(): Promise<T | null>;
  async head<T extends Row = Row>(n: number, options?: ActionOptions): Promise<T[]>;
  async head<T extends Row = Row>(n?: number, options: ActionOptions = {}): Promise<T | T[] | null> {
    return n === undefined ? this.first<T>(options) : this.take<T>(n, options);
  }
  /**
   * Returns the first row, or null if there is none.
   * @example
   * ```ts
   * await people.orderBy('age').first(); // → { name: 'Cleo', team: 'a', age: 29 }
   * ```
   */
  async first<T extends Row = Row>(options: ActionOptions = {}): Promise<T | null> {
    return (await this.take<T>(1, options))[0] ?? null;
  }
  /** Returns the last `n` rows. */
  async tail<T extends Row = Row>(n: number, options: ActionOptions = {}): Promise<T[]> {
    return this.#derive({ case: 'tail', value: { input: this.#input, limit: n } }).collect<T>(options);
  }
  /**
   * Returns the number of rows.
   * @example
   * ```ts
   * await spark.range(42).count(); // → 42
   * ```
   */
  async count(options: ActionOptions = {}): Promise<number> {
    const counted = await this.agg(new Column(call('count', [columnOf(1)])).alias('count')).collect(options);
    return Number(counted[0]?.['count'] ?? 0);
  }
  /** Returns whether there are no rows. */
  async isEmpty(options: ActionOptions = {}): Promise<boolean> {
    return (await this.take(1, options)).length === 0;
  }

  /**
   * Names this for SQL, in place of a view that has the name. Files of the page that it reads stay in the engine's reach as long as
   * the session.
   * @example
   * ```ts
   * await people.createOrReplaceTempView('everybody');
   * await (await spark.sql('SELECT count(*) AS n FROM everybody')).first(); // → { n: 3 }
   * ```
   */
  async createOrReplaceTempView(name: string): Promise<void> {
    return this.#createView(name, true);
  }
  /** Names this for SQL. Throws TEMP_TABLE_OR_VIEW_ALREADY_EXISTS if the name is taken. */
  async createTempView(name: string): Promise<void> {
    return this.#createView(name, false);
  }
  async #createView(name: string, replace: boolean): Promise<void> {
    await Promise.all(this.plan.needs);
    // The engine has the view now, and views of it, whoever still has this DataFrame.
    this.context.kept.keep(this.plan.needs);
    await this.context.client.command({ case: 'createDataframeView', value: { input: this.#input, name, replace } });
  }

  /** Saves the rows: says where they go. */
  get write(): DataFrameWriter {
    return new DataFrameWriter(this.context, this.plan);
  }
  /** Starts a streaming query from here: says where the stream goes. */
  get writeStream(): DataStreamWriter {
    return new DataStreamWriter(this.context, this.plan);
  }
}
