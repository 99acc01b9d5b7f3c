/** What sessions have of datasets of JavaScript values, and of functions over rows: a part that is loaded while a session starts. */
export { SparkContext } from '../rdd/context.js';
export { RDD } from '../rdd/rdd.js';
export { frameOf, rowsOf } from './datasets.js';
export { groupPayload, ownPayload } from './group_function.js';
