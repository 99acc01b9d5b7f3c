/** Discretized streams by themselves: what `rivulet` has of them, for pages that name them one by one. */
export type { Receiver, ReceiverClass, ReceiverHandle } from './batches/receiver.js';
export type { StreamingListener } from './batches/running.js';
export type { BatchInfo } from './batches/wire.js';
export { type Clock, ManualClock } from './clock.js';
export { StreamingContext } from './dstream/context.js';
export { DStream, type MapWithStateDStream } from './dstream/dstream.js';
export { type State, StateSpec } from './dstream/map_with_state.js';
