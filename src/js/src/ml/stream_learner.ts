import type { DStream } from '../dstream/dstream.js';
import { IllegalArgumentException } from '../errors.js';
import type { RDD } from '../rdd/rdd.js';
import { DataFrame } from '../sql/dataframe.js';
import { part } from '../sql/load_part.js';
import { type Context, contextOf, type Plan } from '../sql/plan.js';
import { DoubleType, StructField, StructType } from '../values/types.js';
import { BatchLearner } from './batch_learner.js';
import type { Params, ParamValue } from './params.js';
import type { Model, SessionLike } from './stage.js';
import { type VectorStruct, VectorType } from './vector.js';

/** A vector in a row of a dataset: its values, or the struct that `ml.Vectors.toStruct` returns. */
export type VectorRow = readonly number[] | Float64Array | VectorStruct;
/** A row to learn from: a label and its features (`LabeledPoint`), or both as a pair. */
export type LabeledPoint = { readonly label: number; readonly features: VectorRow } | readonly [label: number, features: VectorRow];

/** What a number must be, in the words of mllib. */
type Rule = readonly [words: string, holds: (value: number) => boolean, isWhole?: true];
const RULES: Readonly<Record<string, Rule>> = {
  k: ['Number of clusters must be positive', (v) => v > 0, true],
  dim: ['Number of dimensions must be positive', (v) => v > 0, true],
  weight: ['Weight for each center must be nonnegative', (v) => v >= 0],
  decayFactor: ['Decay factor must be nonnegative', (v) => v >= 0],
  halfLife: ['Half life must be positive', (v) => v > 0],
  stepSize: ['Initial step size must be positive', (v) => v > 0],
  numIterations: ['Number of iterations must be nonnegative', (v) => v >= 0, true],
  miniBatchFraction: ['Fraction for mini-batch SGD must be in range (0, 1]', (v) => v > 0 && v <= 1],
  regParam: ['Regularization parameter must be nonnegative', (v) => v >= 0],
  convergenceTol: ['Convergence tolerance must be in range [0, 1]', (v) => v >= 0 && v <= 1],
};

const LABELED = new StructType([new StructField('label', DoubleType), new StructField('features', VectorType)]);
const UNLABELED = new StructType([new StructField('features', VectorType)]);

/**
 * A learner of Spark's `mllib` over streams: of DataFrames batch by batch ({@link BatchLearner.update} in `foreachBatch`), or of a
 * {@link DStream}. Each batch of a DStream is learned once, by its time, even where it runs again.
 */
export abstract class StreamLearner<M extends Model, Row> extends BatchLearner<M> {
  /** Streams that it learns from: each has batches of its own at the same times. */
  #streams = 0;

  /** Sets a param. Throws an IllegalArgumentException for an unknown name, or for a value that does not fit, in the words of mllib. */
  override setParam(name: string, value: ParamValue): this {
    const [words, holds, isWhole] = RULES[name] ?? [];
    if (words && typeof value === 'number' && !holds!(value)) {
      const shown = isWhole || !Number.isInteger(value) ? `${value}` : value.toFixed(1);
      throw new IllegalArgumentException(`requirement failed: ${words} but got ${shown}`);
    }
    return super.setParam(name, value);
  }

  /** Whether rows have labels. @internal */
  protected abstract readonly isLabeled: boolean;
  /** Throws if neither a model nor a param says where to start. @internal */
  protected abstract checkStart(work: 'training' | 'prediction'): void;

  /** Returns what was learned so far; undefined before {@link start} and the first batch. */
  latestModel(): M | undefined {
    return this.model;
  }

  /** Returns the model to begin with, before the first batch; once there is one, that. */
  async start(session: SessionLike): Promise<M> {
    this.checkStart('training');
    await this.inTurn(() => this.current(session.context));
    return this.model as M;
  }

  /** Learns from each batch of a stream, from now on until its context stops. */
  trainOn<R extends Row>(dstream: DStream<R>): void {
    this.checkStart('training');
    const own = this.#streams++;
    dstream.foreachRDD(async (rdd, timeMs) => {
      const context = contextOf(rdd.context);
      const batchId = BigInt(timeMs) * BigInt(this.#streams) + BigInt(own);
      await this.replaced(context, this.#frame(context, rdd), batchId);
    });
  }

  /** Returns predictions for the rows of a stream, in their order, each batch by the latest model. */
  predictOn<V extends VectorRow>(dstream: DStream<V>): DStream<number> {
    this.checkStart('prediction');
    return dstream.transform(async (rdd) => {
      const bound = { predictions: await this.#predictions(rdd) };
      return rdd.zipWithIndex().map(([, at], { predictions }) => predictions[at] as number, bound);
    });
  }

  /** Returns predictions for the values of a stream of pairs under the same keys, each batch by the latest model. */
  predictOnValues<K, V extends VectorRow>(dstream: DStream<[K, V]>): DStream<[K, number]> {
    this.checkStart('prediction');
    return dstream.transform(async (rdd) => {
      const bound = { predictions: await this.#predictions(rdd.values()) };
      return rdd.zipWithIndex().map(([[key], at], { predictions }) => [key, predictions[at]] as [K, number], bound);
    });
  }

  /** What the latest model predicts for the vectors of a dataset. The engine must not forget the model before it has. */
  #predictions<V extends VectorRow>(rdd: RDD<V>): Promise<Float64Array> {
    const context = contextOf(rdd.context);
    const vectors = rdd.map(featuresOf);
    return this.inTurn(async () => {
      const model = await this.current(context);
      const frame = new DataFrame(context, part().frameOf(context, vectors, UNLABELED));
      const to = 'prediction';
      const plain = (model as unknown as Params).copy() as unknown as M;
      plain.setParam('featuresCol', 'features').setParam('predictionCol', to);
      const rows = await plain.transform(frame).select(to).collect();
      return Float64Array.from(rows, (row) => row[to] as number);
    });
  }

  /** A batch as a table with the columns that the params name. */
  #frame<R extends Row>(context: Context, rdd: RDD<R>): Plan {
    const columns = this.isLabeled ? LABELED : UNLABELED;
    const named = columns.fields.map(({ name, dataType }) => new StructField(String(this.getParam(`${name}Col`)), dataType));
    const schema = new StructType(named);
    const given: unknown = rdd;
    return this.isLabeled
      ? part().frameOf(context, (given as RDD<LabeledPoint>).map(pointOf), schema)
      : part().frameOf(context, (given as RDD<VectorRow>).map(featuresOf), schema);
  }
}

/** Returns a row of one vector. It runs in the executors, and sees nothing of this file. */
function featuresOf(row: VectorRow): readonly [VectorStruct] {
  return [
    Array.isArray(row) || ArrayBuffer.isView(row)
      ? { type: 1, size: null, indices: null, values: Array.from(row as readonly number[]) }
      : (row as VectorStruct),
  ];
}

/** Returns a row of a label and a vector. It runs in the executors, and sees nothing of this file. */
function pointOf(row: LabeledPoint): readonly [number, VectorStruct] {
  const [label, features] = 'features' in row ? [row.label, row.features] : row;
  return [
    label,
    Array.isArray(features) || ArrayBuffer.isView(features)
      ? { type: 1, size: null, indices: null, values: Array.from(features as readonly number[]) }
      : (features as VectorStruct),
  ];
}
