/**
 * What a session has beside its plans: its messages as bytes, rows as Arrow, datasets of JavaScript values, functions over rows, and
 * streams that the page writes, reads or takes. A part of its own that is loaded while a session starts: see load_part.ts.
 */
export { decode, encode } from '../connect/messages.js';
export { StreamingContext } from '../dstream/context.js';
export { DStream } from '../dstream/dstream.js';
export { SparkContext } from '../rdd/context.js';
export { RDD } from '../rdd/rdd.js';
export { checkRemote } from '../rdd/remote.js';
export { encodeRows } from '../values/encode.js';
export { inferSchema } from '../values/infer.js';
export { joinStreams } from '../values/ipc.js';
export { rowsFromIPC } from '../values/rows.js';
export { Credentials } from './credentials/registry.js';
export { frameOf, rowsOf } from './datasets.js';
export { groupPayload, ownPayload } from './group_function.js';
export { carried, EventItems } from './streaming/event_items.js';
export { perEpoch, perRow } from './streaming/foreach.js';
export { isPageSource, sourceOf } from './streaming/page_source.js';
export { PageStreams } from './streaming/page_streams.js';
export { PushEncoder } from './streaming/push_data.js';
