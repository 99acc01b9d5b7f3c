import { SparkRuntimeException } from '../errors.js';
import { MlOperator_OperatorType as Role } from '../generated/spark/connect/ml_common_pb.js';
import type { DataFrame } from '../sql/dataframe.js';
import type { Context, Plan } from '../sql/plan.js';
import { Params, type ParamValue } from './params.js';
import { type Model, type ModelClass, type ModelClassOf, mlCommand, type SaveOptions, type SessionLike } from './stage.js';

/** What the engine calls a learner, and the class of its models. @internal */
export interface LearnerKind<M> {
  /** The full class. */
  readonly engineClass: string;
  readonly models: ModelClassOf<M>;
}

/** Params that say where a learner starts; once there is a model, it starts from that. */
const STARTS = ['initialCenters', 'initialCenterWeights', 'initialWeights'];

/**
 * A model that keeps learning, batch by batch: what {@link StreamingNaiveBayes}, {@link StreamingKMeans} and the streaming regressions
 * have in common. Updates run one after the other, in the order of the calls.
 */
export abstract class BatchLearner<M extends Model> extends Params {
  #model: M | undefined;
  /** Whether somebody may hold the model. */
  #isTaken = false;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #kind: LearnerKind<M>;

  /** @internal */
  constructor(name: string, table: ReadonlyMap<string, ParamValue | undefined>, kind: LearnerKind<M>, params: object, uid?: string) {
    super(name, table, uid);
    this.#kind = kind;
    for (const [param, value] of Object.entries(params)) if (value !== undefined) this.setParam(param, value as ParamValue);
  }

  /** What was learned so far; undefined before the first batch. */
  get model(): M | undefined {
    this.#isTaken = true;
    return this.#model;
  }
  set model(model: M | undefined) {
    this.#isTaken = true;
    this.#model = model;
  }
  /** @internal */
  protected get hasModel(): boolean {
    return this.#model !== undefined;
  }

  /** Learns from a batch, and returns the new model. The model before it stays usable, until {@link Model.release | released}. */
  async update(batch: DataFrame, batchId?: number | bigint): Promise<M> {
    const model = await this.inTurn(() => this.learned(batch.context, batch.plan, batchId));
    this.#isTaken = true;
    return model;
  }

  /** Does something after what was begun before, whether that went well or not. @internal */
  protected inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  /** Learns from a batch; from none, begins. @internal */
  protected async learned(context: Context, batch?: Plan, batchId?: number | bigint): Promise<M> {
    const before = this.#model as unknown as { id: string } | undefined;
    const { params } = this.message();
    if (before) {
      for (const name of STARTS) delete params[name];
      params['initialModel'] = { literalType: { case: 'string', value: before.id } };
    }
    if (batchId !== undefined) params['batchId'] = { literalType: { case: 'long', value: BigInt(batchId) } };
    const { engineClass, models } = this.#kind;
    const estimator = { name: engineClass, uid: this.uid, type: Role.ESTIMATOR };
    const fit = { estimator, params: { params }, ...(batch && { dataset: batch.relation }) };
    const { id } = await mlCommand(context, { case: 'fit', value: fit }, batch?.needs);
    if (!id) throw new SparkRuntimeException('The engine answered a fit without a model');
    if (!this.#model || id !== before?.id) {
      const made = (models as unknown as ModelClass<object, object>).of(context, id, this.uid) as unknown as M;
      for (const [name, value] of this.explicit) if (this.describes(name, value) && made.hasParam(name)) made.setParam(name, value);
      this.#model = made;
      this.#isTaken = false;
    }
    return this.#model;
  }

  /** Whether a param of the learner is one of its models, too, if they have one of the name. @internal */
  protected describes(_name: string, _value: ParamValue): boolean {
    return true;
  }

  /** Learns from a batch as {@link update} does; the engine forgets the model before it, unless somebody has seen it. @internal */
  protected replaced(context: Context, batch: Plan, batchId: number | bigint): Promise<void> {
    return this.inTurn(async () => {
      const [before, isTaken] = [this.#model, this.#isTaken];
      const now = await this.learned(context, batch, batchId);
      if (before && before !== now && !isTaken) await before.release();
    });
  }

  /** The model, which begins if there is none yet. @internal */
  protected async current(context: Context): Promise<M> {
    return this.#model ?? (await this.learned(context));
  }

  /** Returns a copy that has the same model. */
  abstract override copy(): BatchLearner<M>;

  /**
   * Saves the model, and what it needs to continue learning; Spark loads it as a model of the kind. Throws before the first batch.
   */
  async save(session: SessionLike, path: string, options?: SaveOptions): Promise<void> {
    if (!this.#model) throw new SparkRuntimeException('There is no model to save before the first batch');
    await this.#model.save(session, path, options);
  }
}
