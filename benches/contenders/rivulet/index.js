// Rivulet, each query as one who knows Spark and this package would write it.
import { SparkSession } from '/pkg/dist/index.js';
import { graphsOf } from './graphs.js';
import { latencyOf } from './latency.js';
import { nexmarkOf } from './nexmark.js';
import { rddsOf } from './rdd.js';
import { tablesOf } from './tables.js';
import { trainingOf } from './training.js';
import { trendsOf } from './trends.js';

export default (executors) => {
  /** Its session once it has started. */
  const session = { spark: undefined };
  const trends = trendsOf(session);
  return {
    async start() {
      session.spark = await SparkSession.builder.master(`local[${executors}]`).config('spark.sql.shuffle.partitions', executors).create();
    },
    stop: () => session.spark.stop(),
    heapBytes: () => session.spark.status.heapBytes(),
    runs: {
      ...trends,
      W2d: trends.W2,
      ...nexmarkOf(session),
      ...tablesOf(session, executors),
      ...latencyOf(session),
      ...rddsOf(session),
      ...graphsOf(session, executors),
      ...trainingOf(session),
    },
  };
};
