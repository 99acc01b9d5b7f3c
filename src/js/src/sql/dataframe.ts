import type { RelationKind } from '../connect/messages.js';
import { IllegalArgumentException } from '../errors.js';
import { rowsOf } from './datasets.js';
import type { RDD } from '../rdd/rdd.js';
import {
  Aggregate_GroupType as GroupType,
  Join_JoinType as Join,
  SetOperation_SetOpType as SetOp,
} from '../generated/spark/connect/relations_pb.js';
import { DataStreamWriter } from './streaming/stream_writer.js';
import * as actions from './actions.js';
import { Column, columnOf, type ColumnOrName, type LiteralValue } from './column.js';
import { asSchema } from '../values/ddl.js';
import { asSortOrder, attribute, call } from './expression.js';
import { KeyValueGroupedDataset } from './keyed.js';
import { GroupedData, type AggregateMap } from './grouped.js';
import { joinStreams } from '../values/ipc.js';
import { DataFrameNaFunctions } from './na.js';
import type { ActionOptions, ExplainMode } from '../connect/action_options.js';
import { planOf, type Context, type Plan } from './plan.js';
import { rowsFromIPC, type Row } from '../values/rows.js';
import { typeToMessage } from './type_message.js';
import type { StructType } from '../values/types.js';

/** The kinds of join, by Spark's names. */
export type JoinType =
  | 'inner'
  | 'cross'
  | 'outer'
  | 'full'
  | 'fullouter'
  | 'left'
  | 'leftouter'
  | 'right'
  | 'rightouter'
  | 'semi'
  | 'leftsemi'
  | 'anti'
  | 'leftanti';

const JOINS: Record<JoinType, Join> = {
  inner: Join.INNER,
  cross: Join.CROSS,
  outer: Join.FULL_OUTER,
  full: Join.FULL_OUTER,
  fullouter: Join.FULL_OUTER,
  left: Join.LEFT_OUTER,
  leftouter: Join.LEFT_OUTER,
  right: Join.RIGHT_OUTER,
  rightouter: Join.RIGHT_OUTER,
  semi: Join.LEFT_SEMI,
  leftsemi: Join.LEFT_SEMI,
  anti: Join.LEFT_ANTI,
  leftanti: Join.LEFT_ANTI,
};

/**
 * A distributed table, bounded or a stream. Methods that return a DataFrame only describe work; methods that return a
 * promise are actions: they send the description to the engine, and that is where names and types are checked.
 */
export class DataFrame implements AsyncIterable<Row> {
  /** @internal */
  constructor(
    /** @internal */ readonly context: Context,
    /** @internal */ readonly plan: Plan,
    /** Result that is here already. */
    private readonly local?: readonly Uint8Array[],
  ) {}

  #derive(relType: RelationKind, ...others: DataFrame[]): DataFrame {
    return new DataFrame(this.context, planOf(this.context, relType, this.plan, ...others.map((other) => other.plan)));
  }
  get #input() {
    return this.plan.relation;
  }

  /** The rows as a dataset, as `collect` gives them; what to do with them are functions of JavaScript. */
  get rdd(): RDD<Row> {
    return rowsOf(this.context, this.plan);
  }

  // ---- Columns -------------------------------------------------------------------------------------------------------

  /** A column of this DataFrame, which stays unambiguous in a join of tables with equal names. */
  col(name: string): Column {
    return new Column(attribute(name, this.plan.relation.common?.planId));
  }
  /** These columns. */
  select(...columns: (ColumnOrName | ColumnOrName[])[]): DataFrame {
    return this.#derive({ case: 'project', value: { input: this.#input, expressions: columns.flat().map(columnOf) } });
  }
  /** Columns as SQL expressions. */
  selectExpr(...expressions: string[]): DataFrame {
    return this.select(...expressions.map((expression) => new Column({ exprType: { case: 'expressionString', value: { expression } } })));
  }
  /** Adds or replaces a column. */
  withColumn(name: string, column: Column): DataFrame {
    return this.withColumns({ [name]: column });
  }
  /** Adds or replaces columns. */
  withColumns(columns: Readonly<Record<string, Column>>): DataFrame {
    const aliases = Object.entries(columns).map(([name, column]) => ({ name: [name], expr: column.expr }));
    return this.#derive({ case: 'withColumns', value: { input: this.#input, aliases } });
  }
  /** Renames a column; nothing if there is none of that name. */
  withColumnRenamed(existing: string, renamed: string): DataFrame {
    return this.withColumnsRenamed({ [existing]: renamed });
  }
  /** Renames columns. */
  withColumnsRenamed(names: Readonly<Record<string, string>>): DataFrame {
    const renames = Object.entries(names).map(([colName, newColName]) => ({ colName, newColName }));
    return this.#derive({ case: 'withColumnsRenamed', value: { input: this.#input, renames } });
  }
  /** Without these columns; names that do not exist are ignored. */
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
  /** All columns under new names, in order. */
  toDF(...columnNames: string[]): DataFrame {
    return this.#derive({ case: 'toDf', value: { input: this.#input, columnNames } });
  }
  /** Columns reordered and cast to fit a schema. */
  to(schema: StructType | string): DataFrame {
    return this.#derive({ case: 'toSchema', value: { input: this.#input, schema: typeToMessage(asSchema(schema)) } });
  }

  // ---- Rows ----------------------------------------------------------------------------------------------------------

  /** Rows where the condition (a column or SQL) is true. */
  filter(condition: Column | string): DataFrame {
    const expression =
      typeof condition === 'string'
        ? { exprType: { case: 'expressionString' as const, value: { expression: condition } } }
        : condition.expr;
    return this.#derive({ case: 'filter', value: { input: this.#input, condition: expression } });
  }
  /** Same as {@link filter}. */
  where(condition: Column | string): DataFrame {
    return this.filter(condition);
  }
  /** Sorted; names and columns ascend unless they say otherwise. */
  orderBy(...columns: ColumnOrName[]): DataFrame {
    return this.#sort(columns, true);
  }
  /** Same as {@link orderBy}. */
  sort(...columns: ColumnOrName[]): DataFrame {
    return this.#sort(columns, true);
  }
  /** Sorted inside each partition. */
  sortWithinPartitions(...columns: ColumnOrName[]): DataFrame {
    return this.#sort(columns, false);
  }
  #sort(columns: ColumnOrName[], isGlobal: boolean): DataFrame {
    return this.#derive({ case: 'sort', value: { input: this.#input, order: columns.map((c) => asSortOrder(columnOf(c))), isGlobal } });
  }
  /** At most n rows. */
  limit(n: number): DataFrame {
    return this.#derive({ case: 'limit', value: { input: this.#input, limit: n } });
  }
  /** Without the first n rows. */
  offset(n: number): DataFrame {
    return this.#derive({ case: 'offset', value: { input: this.#input, offset: n } });
  }
  /** Different rows. */
  distinct(): DataFrame {
    return this.#deduplicate([], false);
  }
  /** One row for each combination of these columns (all, without them). */
  dropDuplicates(columns: string[] = []): DataFrame {
    return this.#deduplicate(columns, false);
  }
  /** As dropDuplicates on a stream, where duplicates further apart than the watermark's delay may pass. */
  dropDuplicatesWithinWatermark(columns: string[] = []): DataFrame {
    return this.#deduplicate(columns, true);
  }
  #deduplicate(columnNames: string[], withinWatermark: boolean): DataFrame {
    return this.#derive({
      case: 'deduplicate',
      value: { input: this.#input, columnNames, allColumnsAsKeys: columnNames.length === 0, withinWatermark },
    });
  }
  /** A random share of the rows. */
  sample(fraction: number, options: { withReplacement?: boolean; seed?: number | bigint } = {}): DataFrame {
    const seed = BigInt(options.seed ?? Math.floor(Math.random() * Number.MAX_SAFE_INTEGER));
    const withReplacement = options.withReplacement ?? false;
    return this.#derive({ case: 'sample', value: { input: this.#input, lowerBound: 0, upperBound: fraction, withReplacement, seed } });
  }
  /** What to do about nulls. */
  get na(): DataFrameNaFunctions {
    return new DataFrameNaFunctions(this.context, this.plan);
  }

  // ---- Groups, joins, sets --------------------------------------------------------------------------------------------

  /** Groups of equal values. */
  groupBy(...columns: (ColumnOrName | ColumnOrName[])[]): GroupedData {
    return this.#group(GroupType.GROUPBY, columns.flat());
  }
  /** Rows by key, for functions with state of their own: `flatMapGroupsWithState`, `transformWithState`. */
  groupByKey(...columns: ColumnOrName[]): KeyValueGroupedDataset {
    return new KeyValueGroupedDataset(this.context, this.plan, columns.map(columnOf));
  }
  /** Groups, and their totals from right to left. */
  rollup(...columns: ColumnOrName[]): GroupedData {
    return this.#group(GroupType.ROLLUP, columns);
  }
  /** Groups, and their totals over every subset of the columns. */
  cube(...columns: ColumnOrName[]): GroupedData {
    return this.#group(GroupType.CUBE, columns);
  }
  #group(type: GroupType, columns: ColumnOrName[]): GroupedData {
    return new GroupedData(this.context, this.plan, type, columns.map(columnOf));
  }
  /** Aggregates over all rows. */
  agg(...aggregates: (Column | AggregateMap)[]): DataFrame {
    return this.groupBy().agg(...aggregates);
  }
  /** Joins by a condition, or by columns of equal names (which then appear once). */
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
  /** Every row with every row. */
  crossJoin(other: DataFrame): DataFrame {
    return this.join(other, undefined, 'cross');
  }
  /** Rows of both, by position; duplicates stay. */
  union(other: DataFrame): DataFrame {
    return this.#set(other, SetOp.UNION, true, false);
  }
  /** Same as {@link union}. */
  unionAll(other: DataFrame): DataFrame {
    return this.union(other);
  }
  /** Rows of both, by column name. */
  unionByName(other: DataFrame, allowMissingColumns = false): DataFrame {
    return this.#set(other, SetOp.UNION, true, true, allowMissingColumns);
  }
  /** Different rows that are in both. */
  intersect(other: DataFrame): DataFrame {
    return this.#set(other, SetOp.INTERSECT, false);
  }
  /** Rows that are in both, as often as in both. */
  intersectAll(other: DataFrame): DataFrame {
    return this.#set(other, SetOp.INTERSECT, true);
  }
  /** Different rows that are not in the other. */
  except(other: DataFrame): DataFrame {
    return this.#set(other, SetOp.EXCEPT, false);
  }
  /** Rows less those of the other, one for one. */
  exceptAll(other: DataFrame): DataFrame {
    return this.#set(other, SetOp.EXCEPT, true);
  }
  /** Same as {@link except}. */
  subtract(other: DataFrame): DataFrame {
    return this.except(other);
  }
  #set(other: DataFrame, setOpType: SetOp, isAll: boolean, byName = false, allowMissingColumns = false): DataFrame {
    const value = { leftInput: this.#input, rightInput: other.plan.relation, setOpType, isAll, byName, allowMissingColumns };
    return this.#derive({ case: 'setOp', value }, other);
  }

  // ---- Partitions, names, event time ---------------------------------------------------------------------------------

  /** Spread over n partitions, by the hash of columns if given. */
  repartition(n: number | ColumnOrName, ...columns: ColumnOrName[]): DataFrame {
    const by = typeof n === 'number' ? columns : [n, ...columns];
    const numPartitions = typeof n === 'number' ? n : undefined;
    if (by.length === 0) return this.#derive({ case: 'repartition', value: { input: this.#input, numPartitions, shuffle: true } });
    const partitionExprs = by.map(columnOf);
    return this.#derive({ case: 'repartitionByExpression', value: { input: this.#input, partitionExprs, numPartitions } });
  }
  /** Into fewer partitions, without moving rows more than needed. */
  coalesce(numPartitions: number): DataFrame {
    return this.#derive({ case: 'repartition', value: { input: this.#input, numPartitions, shuffle: false } });
  }
  /** Under a name that columns can be qualified with. */
  alias(alias: string): DataFrame {
    return this.#derive({ case: 'subqueryAlias', value: { input: this.#input, alias } });
  }
  /** A hint to the planner, such as `broadcast`. */
  hint(name: string, ...parameters: LiteralValue[]): DataFrame {
    return this.#derive({ case: 'hint', value: { input: this.#input, name, parameters: parameters.map((p) => columnOf(p)) } });
  }
  /** Declares the event time, and how late a row may be (`10 minutes`) before it is dropped and its state forgotten. */
  withWatermark(eventTime: string, delayThreshold: string): DataFrame {
    return this.#derive({ case: 'withWatermark', value: { input: this.#input, eventTime, delayThreshold } });
  }
  /** Count, mean, standard deviation, smallest and largest of columns (all, without names). */
  describe(...cols: string[]): DataFrame {
    return this.#derive({ case: 'describe', value: { input: this.#input, cols } });
  }
  /** As describe, with percentiles, or with these statistics. */
  summary(...statistics: string[]): DataFrame {
    return this.#derive({ case: 'summary', value: { input: this.#input, statistics } });
  }
  /** The function applied to this DataFrame: for chains. */
  transform<R>(f: (df: DataFrame) => R): R {
    return f(this);
  }

  // ---- Actions -------------------------------------------------------------------------------------------------------

  /** All rows. */
  async collect<T extends Row = Row>(options: ActionOptions = {}): Promise<T[]> {
    if (this.local) return this.local.flatMap((ipc) => rowsFromIPC(ipc, this.context.rowOptions)) as T[];
    return (await actions.runRows(this.context, this.plan, options)) as T[];
  }
  /** All rows as one Arrow IPC stream, for any Arrow library. */
  async toArrow(options: ActionOptions = {}): Promise<Uint8Array> {
    if (this.local) return joinStreams(this.local);
    const streams: Uint8Array[] = [];
    for await (const stream of actions.runArrow(this.context, this.plan, options)) streams.push(stream);
    return joinStreams(streams);
  }
  /** Rows one after the other, as the engine delivers them; leaving the loop cancels the rest. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Row, void, undefined> {
    yield* this.rows();
  }
  /** The same with options. */
  async *rows<T extends Row = Row>(options: ActionOptions = {}): AsyncGenerator<T, void, undefined> {
    const streams = this.local ?? actions.runArrow(this.context, this.plan, options);
    for await (const ipc of streams) yield* rowsFromIPC(ipc, this.context.rowOptions) as T[];
  }
  /** Prints the first n rows as Spark does; `truncate` is the width of cells (true: 20, false: no limit). */
  async show(n = 20, truncate: boolean | number = true, options: ActionOptions & { vertical?: boolean } = {}): Promise<void> {
    console.log(await this.showString(n, truncate, options));
  }
  /** What {@link show} prints. */
  async showString(n = 20, truncate: boolean | number = true, options: ActionOptions & { vertical?: boolean } = {}): Promise<string> {
    return actions.runShow(this.context, this.plan, n, truncate, options.vertical ?? false, options);
  }
  /** The first n rows. */
  async take<T extends Row = Row>(n: number, options: ActionOptions = {}): Promise<T[]> {
    return this.limit(n).collect<T>(options);
  }
  /** Returns the first row, or null; with `n`, the first `n` rows as an array. */
  async head<T extends Row = Row>(): Promise<T | null>;
  async head<T extends Row = Row>(n: number, options?: ActionOptions): Promise<T[]>;
  async head<T extends Row = Row>(n?: number, options: ActionOptions = {}): Promise<T | T[] | null> {
    return n === undefined ? this.first<T>(options) : this.take<T>(n, options);
  }
  /** The first row, or null. */
  async first<T extends Row = Row>(options: ActionOptions = {}): Promise<T | null> {
    return (await this.take<T>(1, options))[0] ?? null;
  }
  /** The last n rows. */
  async tail<T extends Row = Row>(n: number, options: ActionOptions = {}): Promise<T[]> {
    return this.#derive({ case: 'tail', value: { input: this.#input, limit: n } }).collect<T>(options);
  }
  /** Number of rows. */
  async count(options: ActionOptions = {}): Promise<number> {
    const counted = await this.agg(new Column(call('count', [columnOf(1)])).alias('count')).collect(options);
    return Number(counted[0]?.['count'] ?? 0);
  }
  /** Whether there is no row. */
  async isEmpty(options: ActionOptions = {}): Promise<boolean> {
    return (await this.take(1, options)).length === 0;
  }

  /** Names, types and nullability of the columns, as the engine resolves them. */
  async schema(options: ActionOptions = {}): Promise<StructType> {
    return actions.analyzeSchema(this.context, this.plan, options);
  }
  /** Names of the columns. */
  async columns(): Promise<string[]> {
    return (await this.schema()).names;
  }
  /** Names and types of the columns. */
  async dtypes(): Promise<[name: string, type: string][]> {
    return (await this.schema()).fields.map((field) => [field.name, field.dataType.simpleString()]);
  }
  /** Prints the schema as a tree. */
  async printSchema(level?: number): Promise<void> {
    console.log(await actions.analyzeTree(this.context, this.plan, level));
  }
  /** Prints the plan; see {@link explainString}. */
  async explain(mode: ExplainMode | boolean = 'simple'): Promise<void> {
    console.log(await this.explainString(mode));
  }
  /** The plan as text: `simple` is the physical plan, `extended` (or true) all of them. */
  async explainString(mode: ExplainMode | boolean = 'simple'): Promise<string> {
    return actions.analyzeExplain(this.context, this.plan, mode === true ? 'extended' : mode === false ? 'simple' : mode);
  }
  /** Whether this reads a stream: then it has no actions but {@link writeStream}. */
  async isStreaming(): Promise<boolean> {
    return actions.analyzeIsStreaming(this.context, this.plan);
  }
  /** Keeps the result in the executors once it is computed. */
  async persist(): Promise<DataFrame> {
    await actions.analyzePersist(this.context, this.plan, true);
    return this;
  }
  /** Same as {@link persist}. */
  async cache(): Promise<DataFrame> {
    return this.persist();
  }
  /** Lets a kept result go. */
  async unpersist(): Promise<DataFrame> {
    await actions.analyzePersist(this.context, this.plan, false);
    return this;
  }
  /** Makes this available to SQL under a name, in place of what had it. */
  async createOrReplaceTempView(name: string): Promise<void> {
    return this.#createView(name, true);
  }
  /** Makes this available to SQL under a name that is free. */
  async createTempView(name: string): Promise<void> {
    return this.#createView(name, false);
  }
  async #createView(name: string, replace: boolean): Promise<void> {
    await Promise.all(this.plan.needs);
    await this.context.client.command({ case: 'createDataframeView', value: { input: this.#input, name, replace } });
  }

  /** Starts a streaming query from here. */
  get writeStream(): DataStreamWriter {
    return new DataStreamWriter(this.context, this.plan);
  }
}
