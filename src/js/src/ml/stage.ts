import type { Command } from '../connect/messages.js';
import { SparkRuntimeException } from '../errors.js';
import { MlOperator_OperatorType as Role } from '../generated/spark/connect/ml_common_pb.js';
import { DataFrame } from '../sql/dataframe.js';
import { planOf, type Context } from '../sql/plan.js';
import { modelPath, type ModelSource } from './files.js';
import { Params, paramTable, type ParamMap, type ParamValue } from './params.js';
import { valueOfLiteral, vectorLiteral, type Vector } from './vector.js';

/** @internal */
type MlCommand = Extract<NonNullable<Command['commandType']>, { case: 'mlCommand' }>['value'];

/** What the engine answers to an ML command. */
export interface MlAnswer { id?: string; uid?: string; name?: string; params?: Record<string, unknown>; value?: unknown }

/** Runs an ML command. @internal */
export async function mlCommand(context: Context, command: NonNullable<MlCommand['command']>, needs: readonly PromiseLike<void>[] = []): Promise<MlAnswer> {
  await Promise.all(needs);
  const result = (await context.client.command({ case: 'mlCommand', value: { command } }, 'mlCommandResult'))?.resultType;
  if (result?.case === 'operatorInfo') {
    const { type, uid, params } = result.value;
    const values = Object.entries(params?.params ?? {}).map(([name, literal]) => [name, valueOfLiteral(literal)]);
    return { uid, params: Object.fromEntries(values), ...(type.case === 'objRef' ? { id: type.value.id } : { name: type.value }) };
  }
  return result?.case === 'param' ? { value: valueOfLiteral(result.value) } : {};
}

/** One step of a pipeline. */
export abstract class PipelineStage extends Params {
  abstract override copy(extra?: ParamMap): PipelineStage;
}

/** A stage that turns one DataFrame into another, bounded or a stream. Extend it for stages of your own. */
export abstract class Transformer extends PipelineStage {
  /** @internal */
  constructor(name = 'Transformer', table: ReadonlyMap<string, ParamValue | undefined> = new Map(), uid?: string) { super(name, table, uid); }

  /** The DataFrame with this stage's columns. */
  abstract transform(df: DataFrame): DataFrame;
  override copy(_extra?: ParamMap): Transformer { return this; }
}

/** A stage that learns of a DataFrame. */
export abstract class Estimator<M extends Transformer = Transformer> extends PipelineStage {
  /** The model of a DataFrame; `extra` are params for this fit alone. */
  abstract fit(df: DataFrame, extra?: ParamMap): Promise<M>;
  abstract override copy(extra?: ParamMap): Estimator<M>;
}

/** Judges predictions. */
export abstract class Evaluator extends Params {
  /** The metric. */
  abstract evaluate(df: DataFrame): Promise<number>;
  /** Whether more is better. */
  isLargerBetter(): boolean { return true; }
}

/** What the engine calls a kind of stage, and its params. @internal */
export interface Spec { readonly name: string; readonly table: ReadonlyMap<string, ParamValue | undefined>; readonly attributes: readonly string[] }

/** @internal */
export function spec(name: string, params: string, attributes = ''): Spec {
  return { name, table: paramTable(params), attributes: attributes.split(' ').filter(Boolean) };
}

const short = ({ name }: Spec) => name.split('.').at(-1) as string;
/** The full class in Spark. @internal */
export const classOf = ({ name }: Spec) => `org.apache.spark.ml.${name}`;

/** Getters and setters of params, as Spark has them: `setNumFeatures(10)`, `getNumFeatures()`. */
export type Accessors<P, B> =
  & { [K in keyof P & string as `set${Capitalize<K>}`]: (value: NonNullable<P[K]>) => B & Accessors<P, B> }
  & { [K in keyof P & string as `get${Capitalize<K>}`]: () => NonNullable<P[K]> };

/** Adds the accessors to a stage's class. */
function withAccessors(prototype: object, table: ReadonlyMap<string, unknown>): void {
  for (const name of table.keys()) {
    const suffix = name[0]!.toUpperCase() + name.slice(1);
    Object.defineProperty(prototype, `set${suffix}`, { value(this: Params, value: ParamValue) { return this.setParam(name, value); } });
    Object.defineProperty(prototype, `get${suffix}`, { value(this: Params) { return this.getParam(name); } });
  }
}

const setAll = <T extends Params>(stage: T, params: object | undefined): T => {
  for (const [name, value] of Object.entries(params ?? {})) if (value !== undefined) stage.setParam(name, value as ParamValue);
  return stage;
};

/** Loads and saves one kind of stage. */
export interface Loadable<T> {
  /** A stage that was saved, by Rivulet or by Spark. */
  load(session: SessionLike, source: ModelSource): Promise<T>;
}
/** Something that has a context: a session. */
export interface SessionLike {
  /** @internal */
  readonly context: Context;
}

/** Saves a stage in Spark's format. */
async function save(context: Context, path: string, overwrite: boolean, params: Params, what: { objRef: string } | { name: string; type: Role }): Promise<void> {
  const type = 'objRef' in what ? { case: 'objRef' as const, value: { id: what.objRef } }
    : { case: 'operator' as const, value: { name: what.name, uid: params.uid, type: what.type } };
  await mlCommand(context, { case: 'write', value: { type, path, shouldOverwrite: overwrite, params: params.message() } });
}

/** How a stage is saved. */
export interface SaveOptions { overwrite?: boolean }

type Built<P, B> = B & Accessors<P, B>;
/** The class of a stage that the engine has. */
export interface StageClass<P, B> extends Loadable<Built<P, B>> { new (params?: Partial<P>, uid?: string): Built<P, B> }

/** A stage that can be written to a path. */
export interface Savable {
  /** Writes the stage to a directory, in Spark's format. */
  save(session: SessionLike, path: string, options?: SaveOptions): Promise<void>;
}

async function load({ context }: SessionLike, source: ModelSource, name: string, type: Role): Promise<MlAnswer> {
  const path = await modelPath(context, source);
  return mlCommand(context, { case: 'read', value: { operator: { name, type }, path } });
}

/** A class of transformers without a model. @internal */
export function transformer<P>(definition: Spec): StageClass<P, Transformer & Savable> {
  class Stage extends Transformer implements Savable {
    constructor(params?: Partial<P>, uid?: string) {
      super(short(definition), definition.table, uid);
      setAll(this, params);
    }
    static async load(session: SessionLike, source: ModelSource): Promise<Stage> {
      const { uid, params } = await load(session, source, classOf(definition), Role.TRANSFORMER);
      return setAll(new Stage(undefined, uid), params);
    }
    override transform(df: DataFrame): DataFrame {
      const operator = { case: 'transformer' as const, value: { name: classOf(definition), uid: this.uid, type: Role.TRANSFORMER } };
      return transformed(df, operator, this);
    }
    override copy(extra?: ParamMap): Stage { return this.copyInto(new Stage(undefined, this.uid), extra); }
    save(session: SessionLike, path: string, { overwrite = false }: SaveOptions = {}): Promise<void> {
      return save(session.context, path, overwrite, this, { name: classOf(definition), type: Role.TRANSFORMER });
    }
  }
  withAccessors(Stage.prototype, definition.table);
  return Stage as unknown as StageClass<P, Transformer & Savable>;
}

type Operator =
  | { case: 'transformer'; value: { name: string; uid: string; type: Role } }
  | { case: 'objRef'; value: { id: string } };

function transformed(df: DataFrame, operator: Operator, params: Params): DataFrame {
  const transform = { operator, input: df.plan.relation, params: params.message() };
  const relation = { case: 'mlRelation' as const, value: { mlType: { case: 'transform' as const, value: transform } } };
  return new DataFrame(df.context, planOf(df.context, relation, df.plan));
}

/** What all models have. */
export interface Fitted extends Transformer, Savable {
  /** Lets the engine forget the model. DataFrames made with it before still need it. */
  release(): Promise<void>;
}

type Attributes<A> = { [K in keyof A]: () => Promise<A[K]> };
/** A class of models: instances come of fits and loads. */
export interface ModelClass<P, A> extends Loadable<ModelOf<P, A>> {
  /** @internal */
  of(context: Context, id: string, uid: string): ModelOf<P, A>;
}
/** A model with params `P` and attributes `A`, which the engine holds. */
export type ModelOf<P, A> = Built<P, Fitted & Attributes<A>>;

/** @internal */
export function model<P, A>(definition: Spec): ModelClass<P, A> {
  class Model extends Transformer implements Fitted {
    constructor(readonly context: Context, readonly id: string, uid: string) { super(short(definition), definition.table, uid); }
    static of(context: Context, id: string, uid: string): Model { return new Model(context, id, uid); }
    static async load(session: SessionLike, source: ModelSource): Promise<Model> {
      const { id = '', uid = '', params } = await load(session, source, classOf(definition), Role.MODEL);
      return setAll(new Model(session.context, id, uid), params);
    }
    override transform(df: DataFrame): DataFrame { return transformed(df, { case: 'objRef', value: { id: this.id } }, this); }
    override copy(extra?: ParamMap): Model { return this.copyInto(new Model(this.context, this.id, this.uid), extra); }
    save(session: SessionLike, path: string, { overwrite = false }: SaveOptions = {}): Promise<void> {
      return save(session.context, path, overwrite, this, { objRef: this.id });
    }
    async release(): Promise<void> { await mlCommand(this.context, { case: 'delete', value: { objRefs: [{ id: this.id }] } }); }
    async fetch(method: string, ...vectors: Vector[]): Promise<unknown> {
      const args = vectors.map((vector) => ({ argsType: { case: 'param' as const, value: vectorLiteral(vector) } }));
      return (await mlCommand(this.context, { case: 'fetch', value: { objRef: { id: this.id }, methods: [{ method, args }] } })).value;
    }
  }
  withAccessors(Model.prototype, definition.table);
  for (const name of definition.attributes) {
    Object.defineProperty(Model.prototype, name, { value(this: Model, ...args: Vector[]) { return this.fetch(name, ...args); } });
  }
  return Model as unknown as ModelClass<P, A>;
}

/** @internal */
export function estimator<P, A>(definition: Spec, models: ModelClass<P, A>): StageClass<P, Estimator<ModelOf<P, A>> & Savable> {
  class Stage extends Estimator<ModelOf<P, A>> implements Savable {
    constructor(params?: Partial<P>, uid?: string) {
      super(short(definition), definition.table, uid);
      setAll(this, params);
    }
    static async load(session: SessionLike, source: ModelSource): Promise<Stage> {
      const { uid, params } = await load(session, source, classOf(definition), Role.ESTIMATOR);
      return setAll(new Stage(undefined, uid), params);
    }
    override async fit(df: DataFrame, extra: ParamMap = []): Promise<ModelOf<P, A>> {
      const chosen = extra.length > 0 ? this.copy(extra) : this;
      const operator = { name: classOf(definition), uid: this.uid, type: Role.ESTIMATOR };
      const fit = { estimator: operator, params: chosen.message(), dataset: df.plan.relation };
      const { id } = await mlCommand(df.context, { case: 'fit', value: fit }, df.plan.needs);
      if (!id) throw new SparkRuntimeException('The engine answered a fit without a model');
      const fitted = models.of(df.context, id, this.uid);
      chosen.copyInto(fitted as unknown as Params);
      return fitted;
    }
    override copy(extra?: ParamMap): Stage { return this.copyInto(new Stage(undefined, this.uid), extra); }
    save(session: SessionLike, path: string, { overwrite = false }: SaveOptions = {}): Promise<void> {
      return save(session.context, path, overwrite, this, { name: classOf(definition), type: Role.ESTIMATOR });
    }
  }
  withAccessors(Stage.prototype, definition.table);
  return Stage as unknown as StageClass<P, Estimator<ModelOf<P, A>> & Savable>;
}

/** @internal */
export function evaluator<P>(definition: Spec, smallerIsBetter: readonly string[] = []): StageClass<P, Evaluator & Savable> {
  class Judge extends Evaluator implements Savable {
    constructor(params?: Partial<P>, uid?: string) {
      super(short(definition), definition.table, uid);
      setAll(this, params);
    }
    static async load(session: SessionLike, source: ModelSource): Promise<Judge> {
      const { uid, params } = await load(session, source, classOf(definition), Role.EVALUATOR);
      return setAll(new Judge(undefined, uid), params);
    }
    override async evaluate(df: DataFrame): Promise<number> {
      const operator = { name: classOf(definition), uid: this.uid, type: Role.EVALUATOR };
      const evaluate = { evaluator: operator, params: this.message(), dataset: df.plan.relation };
      return (await mlCommand(df.context, { case: 'evaluate', value: evaluate }, df.plan.needs)).value as number;
    }
    override isLargerBetter(): boolean { return !smallerIsBetter.includes(String(this.getParam('metricName'))); }
    override copy(extra?: ParamMap): Judge { return this.copyInto(new Judge(undefined, this.uid), extra); }
    save(session: SessionLike, path: string, { overwrite = false }: SaveOptions = {}): Promise<void> {
      return save(session.context, path, overwrite, this, { name: classOf(definition), type: Role.EVALUATOR });
    }
  }
  withAccessors(Judge.prototype, definition.table);
  return Judge as unknown as StageClass<P, Evaluator & Savable>;
}

/** Calls a function of the engine's that belongs to no model. @internal */
export async function callHelper(context: Context, method: string, args: readonly (string | boolean)[], needs: readonly PromiseLike<void>[] = []): Promise<unknown> {
  const literal = (value: string | boolean) => ({ literalType: typeof value === 'string' ? { case: 'string' as const, value } : { case: 'boolean' as const, value } });
  const methods = [{ method, args: args.map((value) => ({ argsType: { case: 'param' as const, value: literal(value) } })) }];
  return (await mlCommand(context, { case: 'fetch', value: { objRef: { id: '______ML_CONNECT_HELPER______' }, methods } }, needs)).value;
}

/** Stop words of a language, in Spark's order. */
export async function loadDefaultStopWords(session: SessionLike, language: string): Promise<string[]> {
  return (await callHelper(session.context, 'stopWordsRemoverLoadDefaultStopWords', [language])) as string[];
}
