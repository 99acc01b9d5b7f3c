import type { Command } from '../connect/messages.js';
import { SparkRuntimeException } from '../errors.js';
import { MlOperator_OperatorType as Role } from '../generated/spark/connect/ml_common_pb.js';
import { withNeeds } from '../needs.js';
import { DataFrame } from '../sql/dataframe.js';
import { type Context, planOf } from '../sql/plan.js';
import { type ModelSource, withModelPath } from './model_path.js';
import { type ParamMap, Params, type ParamValue, paramTable } from './params.js';
import { type Vector, valueOfLiteral, vectorLiteral } from './vector.js';

/** @internal */
type MlCommand = Extract<NonNullable<Command['commandType']>, { case: 'mlCommand' }>['value'];

/** What the engine answers to an ML command. */
export interface MlAnswer {
  id?: string;
  uid?: string;
  name?: string;
  params?: Record<string, unknown>;
  value?: unknown;
}

/** Runs an ML command. @internal */
export async function mlCommand(
  context: Context,
  command: NonNullable<MlCommand['command']>,
  needs: readonly PromiseLike<void>[] = [],
): Promise<MlAnswer> {
  const run = () => context.client.command({ case: 'mlCommand', value: { command } }, 'mlCommandResult');
  const result = (await withNeeds(needs, run))?.resultType;
  if (result?.case === 'operatorInfo') {
    const { type, uid, params } = result.value;
    const values = Object.entries(params?.params ?? {}).map(([name, literal]) => [name, valueOfLiteral(literal)]);
    return { uid, params: Object.fromEntries(values), ...(type.case === 'objRef' ? { id: type.value.id } : { name: type.value }) };
  }
  if (result?.case === 'summary') return { id: result.value };
  return result?.case === 'param' ? { value: valueOfLiteral(result.value) } : {};
}

/** A step of a pipeline: a {@link Transformer} or an {@link Estimator} (`PipelineStage`). */
export abstract class PipelineStage extends Params {
  /** Returns a copy with the same uid, and with the params of `extra` that are this stage's. */
  abstract override copy(extra?: ParamMap): PipelineStage;
}

/** Turns one DataFrame into another, bounded or a stream. Extend it for stages of your own (`Transformer`). */
export abstract class Transformer extends PipelineStage {
  /** Returns the DataFrame with this stage's columns added. */
  abstract transform(df: DataFrame): DataFrame;
  /** Returns a copy with the same uid, and with the params of `extra` that are this stage's. */
  override copy(_extra?: ParamMap): Transformer {
    return this;
  }
}

/** A stage that is fitted to a DataFrame and yields a model (`Estimator`). */
export abstract class Estimator<M extends Transformer = Transformer> extends PipelineStage {
  /** Fits a model to a DataFrame; the params of `extra` hold for this fit alone. */
  abstract fit(df: DataFrame, extra?: ParamMap): Promise<M>;
  /** Returns a copy with the same uid, and with the params of `extra` that are this stage's. */
  abstract override copy(extra?: ParamMap): Estimator<M>;
}

/** Computes a metric of predictions (`Evaluator`). */
export abstract class Evaluator extends Params {
  /** Computes the metric over all rows. */
  abstract evaluate(df: DataFrame): Promise<number>;
  /** Returns whether a larger metric is better. */
  isLargerBetter(): boolean {
    return true;
  }
}

/** What the engine calls a kind of stage, and its params. @internal */
export interface Spec {
  readonly name: string;
  readonly table: ReadonlyMap<string, ParamValue | undefined>;
  readonly attributes: readonly string[];
}

/** @internal */
export function spec(name: string, params: string, attributes = ''): Spec {
  return { name, table: paramTable(params), attributes: attributes.split(' ').filter(Boolean) };
}

const short = ({ name }: Spec) => name.split('.').at(-1) as string;
/** The full class in Spark. @internal */
export const classOf = ({ name }: Spec) => `org.apache.spark.ml.${name}`;

/** Getters and setters of params, as Spark has them: `setNumFeatures(10)`, `getNumFeatures()`. */
export type Accessors<P, B> = { [K in keyof P & string as `set${Capitalize<K>}`]: (value: NonNullable<P[K]>) => B & Accessors<P, B> } & {
  [K in keyof P & string as `get${Capitalize<K>}`]: () => NonNullable<P[K]>;
};

/** Adds the accessors to a stage's class. */
function withAccessors(prototype: object, table: ReadonlyMap<string, unknown>): void {
  for (const name of table.keys()) {
    const suffix = name[0]!.toUpperCase() + name.slice(1);
    Object.defineProperty(prototype, `set${suffix}`, {
      value(this: Params, value: ParamValue) {
        return this.setParam(name, value);
      },
    });
    Object.defineProperty(prototype, `get${suffix}`, {
      value(this: Params) {
        return this.getParam(name);
      },
    });
  }
}

const setAll = <T extends Params>(stage: T, params: object | undefined): T => {
  for (const [name, value] of Object.entries(params ?? {})) if (value !== undefined) stage.setParam(name, value as ParamValue);
  return stage;
};

/** The class of a stage that can be loaded (`MLReadable`). */
export interface MLReadable<T> {
  /** Loads a stage that was saved, by Rivulet or by Spark. */
  load(session: SessionLike, source: ModelSource): Promise<T>;
}
/** An object with a context: a session. */
export interface SessionLike {
  /** @internal */
  readonly context: Context;
}

/** How a stage is saved. */
export interface SaveOptions {
  /** Replaces what the path has; false, by default, refuses a path that exists. */
  overwrite?: boolean;
}

type Built<P, B> = B & Accessors<P, B>;
/** The class of a stage that the engine runs: instances are made with params, or loaded. */
export interface StageClass<P, B> extends MLReadable<Built<P, B>> {
  /** Makes a stage with these params; it has a random uid by default. */
  new (params?: Partial<P>, uid?: string): Built<P, B>;
}

/** A stage that can be saved (`MLWritable`). */
export interface MLWritable {
  /** Writes the stage to a directory, in Spark's format. */
  save(session: SessionLike, path: string, options?: SaveOptions): Promise<void>;
}

async function load({ context }: SessionLike, source: ModelSource, name: string, type: Role): Promise<MlAnswer> {
  const read = (path: string) => mlCommand(context, { case: 'read', value: { operator: { name, type }, path } });
  return withModelPath(context, source, read);
}

type Saved = Extract<NonNullable<MlCommand['command']>, { case: 'write' }>['value']['type'];

async function save(
  { context }: SessionLike,
  path: string,
  { overwrite = false }: SaveOptions,
  params: Params,
  type: Saved,
): Promise<void> {
  await mlCommand(context, { case: 'write', value: { type, path, shouldOverwrite: overwrite, params: params.message() } });
}

/** What the engine runs for a stage without a model. */
const operatorOf = (definition: Spec, { uid }: Params, type: Role) => ({ name: classOf(definition), uid, type });

/** Makes the class of a stage without a model: `Base` with its params, its methods, and what every stage does: load, save and copy. */
function stageClass<P, B>(
  Base: abstract new () => Params,
  definition: Spec,
  type: Role,
  methods: ThisType<Params> & object,
): StageClass<P, B> {
  class Stage extends (Base as unknown as new (name: string, table: Spec['table'], uid?: string) => Params) {
    constructor(params?: object, uid?: string) {
      super(short(definition), definition.table, uid);
      setAll(this, params);
    }
    static async load(session: SessionLike, source: ModelSource): Promise<Stage> {
      const { uid, params } = await load(session, source, classOf(definition), type);
      return setAll(new Stage(undefined, uid), params);
    }
    override copy(extra?: ParamMap): Stage {
      return this.copyInto(new Stage(undefined, this.uid), extra);
    }
    save(session: SessionLike, path: string, options: SaveOptions = {}): Promise<void> {
      return save(session, path, options, this, { case: 'operator', value: operatorOf(definition, this, type) });
    }
  }
  withAccessors(Stage.prototype, definition.table);
  Object.assign(Stage.prototype, methods);
  return Stage as unknown as StageClass<P, B>;
}

/** A class of transformers without a model. @internal */
export function transformer<P>(definition: Spec): StageClass<P, Transformer & MLWritable> {
  return stageClass(Transformer, definition, Role.TRANSFORMER, {
    transform(df: DataFrame): DataFrame {
      return transformed(df, { case: 'transformer', value: operatorOf(definition, this, Role.TRANSFORMER) }, this);
    },
  });
}

type Operator = { case: 'transformer'; value: { name: string; uid: string; type: Role } } | { case: 'objRef'; value: { id: string } };

function transformed(df: DataFrame, operator: Operator, params: Params): DataFrame {
  const transform = { operator, input: df.plan.relation, params: params.message() };
  const relation = { case: 'mlRelation' as const, value: { mlType: { case: 'transform' as const, value: transform } } };
  return new DataFrame(df.context, planOf(df.context, relation, df.plan));
}

/** A fitted stage, which the engine holds (`Model`). */
export interface Model extends Transformer, MLWritable {
  /** Lets the engine forget the model. DataFrames that it made before still need it. */
  release(): Promise<void>;
}

type Attributes<A> = { [K in keyof A]: () => Promise<A[K]> };
/** The class of a kind of models, for `instanceof` and `load`; instances come from fits and loads. */
export type ModelClass<P, A> = ModelClassOf<ModelOf<P, A>> & ModelFactory<P, A>;
/** The class of the models `M`. */
export type ModelClassOf<M> = MLReadable<M> & (abstract new (...args: never) => M);
/** Makes an instance for a model that the engine holds. */
interface ModelFactory<P, A> {
  /** @internal */
  of(context: Context, id: string, uid: string): ModelOf<P, A>;
}
/** A model with params `P` and attributes `A`, which the engine holds. */
export type ModelOf<P, A> = Built<P, Model & Attributes<A>>;

/** @internal */
export function model<P, A>(definition: Spec): ModelClass<P, A> {
  class Held extends Transformer implements Model {
    constructor(
      readonly context: Context,
      readonly id: string,
      uid: string,
    ) {
      super(short(definition), definition.table, uid);
    }
    static of(context: Context, id: string, uid: string): Held {
      return new Held(context, id, uid);
    }
    static async load(session: SessionLike, source: ModelSource): Promise<Held> {
      const { id = '', uid = '', params } = await load(session, source, classOf(definition), Role.MODEL);
      return setAll(new Held(session.context, id, uid), params);
    }
    override transform(df: DataFrame): DataFrame {
      return transformed(df, { case: 'objRef', value: { id: this.id } }, this);
    }
    override copy(extra?: ParamMap): Held {
      return this.copyInto(new Held(this.context, this.id, this.uid), extra);
    }
    save(session: SessionLike, path: string, options: SaveOptions = {}): Promise<void> {
      return save(session, path, options, this, { case: 'objRef', value: { id: this.id } });
    }
    async release(): Promise<void> {
      await mlCommand(this.context, { case: 'delete', value: { objRefs: [{ id: this.id }] } });
    }
    async fetch(method: string, ...given: (Vector | number)[]): Promise<unknown> {
      const literal = (value: Vector | number) =>
        typeof value === 'number' ? { literalType: { case: 'double' as const, value } } : vectorLiteral(value);
      const args = given.map((value) => ({ argsType: { case: 'param' as const, value: literal(value) } }));
      return (await mlCommand(this.context, { case: 'fetch', value: { objRef: { id: this.id }, methods: [{ method, args }] } })).value;
    }
  }
  withAccessors(Held.prototype, definition.table);
  for (const name of definition.attributes) {
    Object.defineProperty(Held.prototype, name, {
      value(this: Held, ...args: Vector[]) {
        return this.fetch(name, ...args);
      },
    });
  }
  return Held as unknown as ModelClass<P, A>;
}

/** @internal */
export function estimator<P, A>(definition: Spec, models: ModelClass<P, A>): StageClass<P, Estimator<ModelOf<P, A>> & MLWritable> {
  return stageClass(Estimator, definition, Role.ESTIMATOR, {
    async fit(df: DataFrame, extra: ParamMap = []): Promise<ModelOf<P, A>> {
      const chosen = extra.length > 0 ? this.copy(extra) : this;
      const fit = { estimator: operatorOf(definition, this, Role.ESTIMATOR), params: chosen.message(), dataset: df.plan.relation };
      const { id } = await mlCommand(df.context, { case: 'fit', value: fit }, df.plan.needs);
      if (!id) throw new SparkRuntimeException('The engine answered a fit without a model');
      const fitted = models.of(df.context, id, this.uid);
      chosen.copyInto(fitted as unknown as Params);
      return fitted;
    },
  });
}

/** @internal */
export function evaluator<P>(definition: Spec, smallerIsBetter: readonly string[] = []): StageClass<P, Evaluator & MLWritable> {
  return stageClass(Evaluator, definition, Role.EVALUATOR, {
    async evaluate(df: DataFrame): Promise<number> {
      const evaluate = { evaluator: operatorOf(definition, this, Role.EVALUATOR), params: this.message(), dataset: df.plan.relation };
      return (await mlCommand(df.context, { case: 'evaluate', value: evaluate }, df.plan.needs)).value as number;
    },
    isLargerBetter(): boolean {
      return !smallerIsBetter.includes(String(this.getParam('metricName')));
    },
  });
}

/** Calls a function of the engine's that belongs to no model. @internal */
export async function callHelper(
  context: Context,
  method: string,
  args: readonly (string | boolean)[],
  needs: readonly PromiseLike<void>[] = [],
): Promise<unknown> {
  const literal = (value: string | boolean) => ({
    literalType: typeof value === 'string' ? { case: 'string' as const, value } : { case: 'boolean' as const, value },
  });
  const methods = [{ method, args: args.map((value) => ({ argsType: { case: 'param' as const, value: literal(value) } })) }];
  return (await mlCommand(context, { case: 'fetch', value: { objRef: { id: '______ML_CONNECT_HELPER______' }, methods } }, needs)).value;
}

/** Returns the stop words of a language (`english`, `german`…), in Spark's order. Throws for a language that Spark has none for. */
export async function loadDefaultStopWords(session: SessionLike, language: string): Promise<string[]> {
  return (await callHelper(session.context, 'stopWordsRemoverLoadDefaultStopWords', [language])) as string[];
}
