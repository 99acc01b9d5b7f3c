/** Makes the streams that keep state. Apart from {@link DStream}, since they extend it. */

import type { Partitions, RDD } from '../rdd/rdd.js';
import type { AnyRemote, Bound } from '../rdd/remote.js';
import type { StreamingContext } from './context.js';
import type { DStream, MapWithStateDStream } from './dstream.js';
import type { StateSpec } from './map_with_state.js';
import { ReducedWindow, StateByKey, StateRecords } from './stateful.js';

export class StatefulStreams {
  constructor(private readonly ssc: StreamingContext) {}

  stateByKey<K, V, S>(
    values: DStream<[K, V]>,
    f: AnyRemote,
    partitions: Partitions | undefined,
    initial: RDD<[K, S]> | undefined,
    bound: Bound | undefined,
  ): DStream<[K, S]> {
    return new StateByKey<K, V, S>(this.ssc, values, f, partitions, initial, bound);
  }

  reducedWindow<K, V>(
    reduced: DStream<[K, V]>,
    f: ConstructorParameters<typeof ReducedWindow<K, V>>[2],
    windowMs: number,
    slideMs: number,
    partitions: Partitions | undefined,
  ): DStream<[K, V]> {
    return new ReducedWindow<K, V>(this.ssc, reduced, f, windowMs, slideMs, partitions);
  }

  mapWithState<K, V, S, M>(values: DStream<[K, V]>, spec: StateSpec<K, V, S, M>): MapWithStateDStream<K, S, M> {
    const records = new StateRecords<K, V, S, M>(this.ssc, values, spec);
    const mapped = records.transform((rdd) => rdd.tagged<M>(1));
    const stateSnapshots = () => records.transform((rdd) => rdd.tagged<[K, [S, number]]>(0).mapValues(([state]) => state) as RDD<[K, S]>);
    const checkpoint = (intervalMs: number) => {
      records.checkpoint(intervalMs);
      return mapped;
    };
    return Object.assign(mapped, { stateSnapshots, checkpoint });
  }
}
