import type { Expression } from '../connect/messages.js';
import { typeToMessage } from '../connect/type_message.js';
import { SparkTypeError } from '../errors.js';
import type { Bound, ModuleFunction, Remote } from '../rdd/remote.js';
import type { GroupFunctionKind, GroupFunctionPlan, GroupStateTimeout, OwnProcessor, TimeMode } from '../state/group_plan.js';
import type { GroupState } from '../state/group_state.js';
import type { StatefulProcessor } from '../state/processor.js';
import { asSchema } from '../values/ddl.js';
import type { Row } from '../values/rows.js';
import type { StructType } from '../values/types.js';
import { DataFrame } from './dataframe.js';
import { part } from './load_part.js';
import { type Context, type Plan, planOf } from './plan.js';

/** What a function over groups returns. */
interface Output {
  /** The columns of the rows that come out: DDL or StructType. */
  outputSchema: string | StructType;
}
/** How a function over groups with state is run. */
export interface GroupStateOptions extends Output {
  /** When a group without data is looked at again: `NoTimeout` (the default), `ProcessingTimeTimeout` or `EventTimeTimeout`. */
  timeout?: GroupStateTimeout;
}
/** How `transformWithState` is run. */
export interface TransformWithStateOptions extends Output {
  /** The time that timers go by: `None` (the default), `ProcessingTime` or `EventTime`. */
  timeMode?: TimeMode;
  /** The output mode of the query. */
  outputMode?: 'append' | 'update' | 'complete';
  /** The column of the result that carries the event time, for operators after this one. */
  eventTimeColumnName?: string;
}

/** A function over the rows of a group, with the group's state, and what is bound to it. */
type StateFunction<R, S, B> = Remote<(key: Row, rows: Row[], state: GroupState<S>, bound: B) => R>;
type Processor<B> = (new (bound: B) => StatefulProcessor) | ModuleFunction;

/**
 * Rows by key, for functions with state (Spark's `KeyValueGroupedDataset`): `df.groupByKey('user')`. Functions run in the
 * executors: they see their arguments and nothing of the page. The key is an object with a member per grouping column.
 *
 * On a stream the state of a key lives from batch to batch, is checkpointed, and follows its key to another executor when one
 * dies; a function may be called again for a batch that failed, with the state that it began with. On a batch DataFrame each
 * key is new, and its state is forgotten.
 */
export class KeyValueGroupedDataset {
  /** @internal */
  constructor(
    private readonly context: Context,
    private readonly plan: Plan,
    private readonly grouping: Expression[],
  ) {}

  /**
   * Calls `f` for each key that has rows in the batch, and for each whose timeout has passed, with no rows and `state.hasTimedOut`.
   * `f` returns any number of rows. `outputMode` is the function's own, which the query's must fit. Throws a SparkTypeError for a
   * function that cannot travel.
   * @example
   * ```ts
   * const sums = people.groupByKey('team').flatMapGroupsWithState<number>(
   *   (key, rows, state) => {
   *     state.update((state.getOption() ?? 0) + rows.length);
   *     return [{ team: key['team'], n: state.get() }];
   *   },
   *   { outputSchema: 'team STRING, n INT' },
   * );
   * await sums.orderBy('team').collect(); // → [{ team: 'a', n: 2 }, { team: 'b', n: 1 }]
   * ```
   */
  flatMapGroupsWithState<S = unknown, B extends Bound = Bound>(
    f: StateFunction<Iterable<Row>, S, B>,
    options: GroupStateOptions & { outputMode?: 'append' | 'update' },
    bound?: B,
  ): DataFrame {
    const { outputMode = 'append', timeout = 'NoTimeout' } = needed('flatMapGroupsWithState', options);
    return this.#call('flatMapGroupsWithState', f, options, bound, timeout, { outputMode, timeoutConf: timeout });
  }

  /** Does what {@link flatMapGroupsWithState} does, with exactly one row per call; needs a query in update mode. */
  mapGroupsWithState<S = unknown, B extends Bound = Bound>(f: StateFunction<Row, S, B>, options: GroupStateOptions, bound?: B): DataFrame {
    const { timeout = 'NoTimeout' } = needed('mapGroupsWithState', options);
    return this.#call('mapGroupsWithState', f, options, bound, timeout, {
      outputMode: 'update',
      timeoutConf: timeout,
      isMapGroupsWithState: true,
    });
  }

  /**
   * Runs a processor: a class with variables (value, list, map) and timers for each key. `bound` is passed to its constructor.
   * Throws a SparkTypeError for a class that extends another: only its own text travels.
   * @example
   * ```ts
   * class Oldest implements StatefulProcessor {
   *   #age!: ValueState<number>;
   *   init(handle: StatefulProcessorHandle) {
   *     this.#age = handle.getValueState<number>('age');
   *   }
   *   *handleInputRows(key: Row, rows: Row[]) {
   *     this.#age.update(Math.max(this.#age.get() ?? 0, ...rows.map((row) => row['age'])));
   *     yield { team: key['team'], age: this.#age.get() };
   *   }
   * }
   * const oldest = people.groupByKey('team').transformWithState(Oldest, { outputSchema: 'team STRING, age INT' });
   * await oldest.orderBy('team').collect(); // → [{ team: 'a', age: 36 }, { team: 'b', age: 41 }]
   * ```
   */
  transformWithState<B extends Bound = Bound>(processor: Processor<B>, options: TransformWithStateOptions, bound?: B): DataFrame {
    const { outputMode = 'append', timeMode = 'None', eventTimeColumnName } = needed('transformWithState', options);
    return this.#call('transformWithState', processor, options, bound, timeMode, {
      outputMode,
      transformWithStateInfo: { timeMode, ...(eventTimeColumnName !== undefined && { eventTimeColumnName }) },
    });
  }

  /** Runs a processor that executors have. @internal */
  ownProcessor(name: OwnProcessor, { outputSchema, outputMode }: TransformWithStateOptions): DataFrame {
    const kind = 'transformWithState';
    return this.#derive(kind, outputSchema, (rest) => part().ownPayload(name, { kind, time: 'None', ...rest }), {
      outputMode,
      transformWithStateInfo: { timeMode: 'None' },
    });
  }

  #call(
    kind: GroupFunctionKind,
    f: Processor<never> | Remote<(...args: never[]) => unknown>,
    { outputSchema }: Output,
    bound: Bound | undefined,
    time: GroupFunctionPlan['time'],
    settings: object,
  ): DataFrame {
    const travelling = f as Remote<(...args: never[]) => unknown>;
    return this.#derive(kind, outputSchema, (rest) => part().groupPayload(travelling, bound, { kind, time, ...rest }), settings);
  }

  #derive(
    kind: GroupFunctionKind,
    outputSchema: Output['outputSchema'],
    payloadOf: (rest: Pick<GroupFunctionPlan, 'output' | 'bigint'>) => Uint8Array,
    settings: object,
  ): DataFrame {
    const schema = asSchema(outputSchema);
    const payload = payloadOf({ output: schema.toDDL(), bigint: this.context.rowOptions.bigint });
    return new DataFrame(
      this.context,
      planOf(
        this.context,
        {
          case: 'groupMap',
          value: {
            input: this.plan.relation,
            groupingExpressions: this.grouping,
            ...settings,
            func: {
              functionName: kind,
              deterministic: true,
              function: { case: 'scalarScalaUdf', value: { payload, outputType: typeToMessage(schema), nullable: true } },
            },
          },
        },
        this.plan,
      ),
    );
  }
}

/** The options, which are not all optional. */
function needed<O extends Output>(kind: GroupFunctionKind, options: O | undefined): O {
  if (!options?.outputSchema)
    throw new SparkTypeError(`${kind} needs { outputSchema }: the columns of the rows that it returns, as DDL or StructType`);
  return options;
}
