import { IllegalArgumentException, SparkTypeError } from '../errors.js';
import { Column, type ColumnOrName, columnOf } from '../sql/column.js';
import { DataFrame } from '../sql/dataframe.js';
import { functions as F } from '../sql/functions/index.js';
import type { DataType } from '../values/types.js';

/** Where the ends of edges are. */
export interface GraphStreamOptions {
  /** The column with the vertex that an edge begins at; `src` without. */
  src?: ColumnOrName;
  /** The column with the vertex that it ends at; `dst` without. */
  dst?: ColumnOrName;
}

const WHOLE = new Set(['tinyint', 'smallint', 'int', 'bigint']);

/** The type that ids of this type have in a graph; undefined if they cannot be ids. */
function idType(type: DataType): 'BIGINT' | 'STRING' | undefined {
  const name = type.simpleString();
  if (WHOLE.has(name)) return 'BIGINT';
  return name === 'string' ? 'STRING' : undefined;
}

/**
 * A graph whose edges come as a stream; {@link graphStream} makes it. Edges are only added, and count as often as they come. What is
 * returned are streaming DataFrames, for `writeStream` in update mode: a micro-batch has the vertices whose row it changed. State is
 * checkpointed with the query: it continues after a restart, and a batch that runs again counts once.
 */
export class GraphStream {
  /** @internal */
  constructor(
    private readonly ends: DataFrame,
    private readonly type: 'BIGINT' | 'STRING',
  ) {}

  /**
   * Returns how many edges each vertex has: `id`, `inDegree`, `outDegree` and `degree`, their sum, as BIGINT. A vertex with edges in one
   * direction only has 0 in the other; an edge from a vertex to itself counts in both. The query's mode is update or complete. It is
   * a streaming aggregation: its state is a row per vertex, over all partitions.
   */
  degrees(): DataFrame {
    return this.ends
      .selectExpr('inline(array(struct(src AS id, 0L AS i, 1L AS o), struct(dst AS id, 1L AS i, 0L AS o)))')
      .groupBy('id')
      .agg(F.sum('i').alias('inDegree'), F.sum('o').alias('outDegree'), F.count('*').alias('degree'));
  }

  /**
   * Returns the connected component of each vertex: `id` and `component`, which is the lowest id of the component, strings by their
   * UTF-8 bytes as in Spark. Directions do not matter. The query's mode is update: a batch has the vertices that are new and those
   * whose component was joined to one with a lower id, each once.
   *
   * One task holds the whole graph's components, whatever the number of partitions: two ids per vertex in the state, which a batch
   * reads in whole, and writes where it changed. Edges are not kept.
   */
  connectedComponents(): DataFrame {
    const { type } = this;
    return this.ends
      .groupByKey(F.lit(0).alias('graph'))
      .ownProcessor('connectedComponents', { outputSchema: `id ${type}, component ${type}`, outputMode: 'update' });
  }
}

/**
 * Makes a graph of the edges of a streaming DataFrame, for degrees and components that are kept up to date. Ids are strings or whole
 * numbers, which become BIGINT; both ends have the same kind. Edges with a null end are left out. Throws an IllegalArgumentException,
 * condition RIVULET_GRAPH_STREAM, for a DataFrame that is not a stream and RIVULET_GRAPH_ID for columns that cannot be ids, and the
 * engine's AnalysisException for columns that do not exist.
 * @example
 * ```ts
 * const { df: edges, write } = spark.readStream.push({ schema: 'src BIGINT, dst BIGINT', format: 'json' });
 * const groups = new Map<number, number>();
 * const query = await (await graphStream(edges))
 *   .connectedComponents()
 *   .writeStream.outputMode('update')
 *   .foreachBatch(async (batch) => {
 *     for (const { id, component } of await batch.collect()) groups.set(id, component);
 *   })
 *   .start();
 * await write([{ src: 1, dst: 2 }, { src: 8, dst: 9 }]);
 * await query.processAllAvailable();
 * await write([{ src: 2, dst: 8 }]);
 * await query.processAllAvailable();
 * await query.stop();
 * [...groups].sort(); // → [[1, 1], [2, 1], [8, 1], [9, 1]]
 * ```
 */
export async function graphStream(edges: DataFrame, { src = 'src', dst = 'dst' }: GraphStreamOptions = {}): Promise<GraphStream> {
  if (!(edges instanceof DataFrame))
    throw new SparkTypeError('graphStream needs a streaming DataFrame of edges', { condition: 'RIVULET_GRAPH_STREAM' });
  if (!(await edges.isStreaming())) {
    throw new IllegalArgumentException(
      'graphStream needs a streaming DataFrame, and this one is not: Graph and GraphFrame are for edges that are all there',
      { condition: 'RIVULET_GRAPH_STREAM' },
    );
  }
  const ends = edges.select(new Column(columnOf(src)).alias('src'), new Column(columnOf(dst)).alias('dst'));
  const types = (await ends.schema()).fields.map(({ dataType }) => dataType);
  const [type, other] = types.map(idType);
  if (!type || type !== other) {
    const found = types.map((one) => one.simpleString().toUpperCase()).join(' and ');
    throw new IllegalArgumentException(
      `Ids of vertices are whole numbers or strings, the same at both ends of an edge; the columns of graphStream are ${found}`,
      { condition: 'RIVULET_GRAPH_ID', parameters: { types: found } },
    );
  }
  const whole = ends.select(F.col('src').cast(type).alias('src'), F.col('dst').cast(type).alias('dst'));
  return new GraphStream(whole.filter(F.col('src').isNotNull().and(F.col('dst').isNotNull())), type);
}
