/**
 * Rivulet: Apache Spark's streaming stack in a browser tab.
 *
 * ```ts
 * import { SparkSession, functions as F } from 'rivulet';
 * const spark = await SparkSession.builder.master('local[2]').getOrCreate();
 * await spark.range(10).filter(F.col('id').gt(5)).show();
 * ```
 */
import './beside.js';

export * from './api.js';
