/**
 * DataFrames of datasets, and datasets of DataFrames. Rows are written and read in the executors; their bytes pass through the
 * page, when the first action asks for them.
 */

import { RDD } from '../rdd/rdd.js';
import { encode } from '../rdd/value_codec.js';
import { encodeRows } from '../values/encode.js';
import { joinStreams } from '../values/ipc.js';
import type { Row } from '../values/rows.js';
import type { StructType } from '../values/types.js';
import { runArrow } from './actions.js';
import { type Context, type Plan, planOf } from './plan.js';

/** Work that begins when somebody waits for it, and is done once. */
class Lazy implements PromiseLike<void> {
  #done: Promise<void> | undefined;
  constructor(private readonly work: () => Promise<void>) {}
  then<A = void, B = never>(
    done?: ((value: void) => A | PromiseLike<A>) | null,
    failed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return (this.#done ??= this.work()).then(done, failed);
  }
}

/** A table of a dataset's rows, objects or arrays that fit the schema; computed once, when it is first used. */
export function frameOf<T>(context: Context, rdd: RDD<T>, schema: StructType): Plan {
  const ddl = schema.toDDL();
  const value: { data?: Uint8Array; schema: string } = { schema: ddl };
  const rows = new Lazy(async () => {
    const parts = await rdd.context.run(rdd.definition, () => ({ t: 'arrow', schema: ddl }), 'createDataFrame');
    value.data = joinStreams(parts.length > 0 ? (parts.flat() as Uint8Array[]) : [encodeRows([], schema)]);
  });
  return { ...planOf(context, { case: 'localRelation', value }), needs: [rows] };
}

/** A table's rows as a dataset, as `collect` returns them; the table is computed once, when the dataset is first used. */
export function rowsOf(context: Context, plan: Plan): RDD<Row> {
  const { sparkContext, rowOptions } = context;
  const partitions = sparkContext.defaultParallelism;
  const sources: Uint8Array[] = Array.from({ length: partitions }, () => encode([]));
  let read: Promise<void> | undefined;
  const load = async () => {
    const blocks: Uint8Array[] = [];
    for await (const block of runArrow(context, plan)) blocks.push(block);
    const first = (i: number) => Math.floor((i * blocks.length) / partitions);
    for (let i = 0; i < partitions; i++) sources[i] = encode(blocks.slice(first(i), first(i + 1)));
  };
  return new RDD<Row>(
    sparkContext,
    sparkContext.node({
      name: ['MapPartitionsRDD', 'SQLExecutionRDD'],
      kind: 'source',
      parents: [],
      partitions,
      sources,
      prepare: () => (read ??= load()),
      op: () => ({ t: 'arrow', bigint: rowOptions.bigint }),
    }),
  );
}
