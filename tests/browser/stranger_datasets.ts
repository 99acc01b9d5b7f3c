// What a stranger writes over datasets and discretized streams: compiled, strictly, by vite.test.mjs.
import {
  FunctionPartitioner,
  HashPartitioner,
  RangePartitioner,
  type ReceiverHandle,
  SparkSession,
  StateSpec,
  StorageLevel,
  StreamingContext,
} from 'rivulet';

const spark = await SparkSession.builder.master('local[2]').getOrCreate();
const sc = spark.sparkContext;
const seen = sc.longAccumulator('seen');
const names = sc.collectionAccumulator<string>();
const words = sc
  .textFile('opfs:words', 4)
  .flatMap((line) => line.split(' '))
  .map((w) => [w, 1] as [string, number]);
const counts = words.reduceByKey((a, b) => a + b).persist(StorageLevel.MEMORY_AND_DISK);
await counts.foreach(
  ([w], b) => {
    b.seen.add(1);
    b.names.add(w);
  },
  { seen, names },
);
const n: number = seen.value;
const all: string[] = names.value;
const parts = await counts.partitionBy(new HashPartitioner(3)).glom().collect();
const sorted = counts.partitionBy(new RangePartitioner(3, counts));
const byLength = new FunctionPartitioner<string>(3, (word, { most }: { most: number }) => Math.min(word.length, most), { most: 9 });
const joined: [string, [number, number[]]][] = await words
  .reduceByKey((a, b) => a + b, byLength)
  .join(words.groupByKey(byLength), new HashPartitioner(2))
  .collect();
const ones: number[] = await counts.lookup('one');
const total: number = await counts.values().treeAggregate(
  0,
  (a, x) => a + x,
  (a, b) => a + b,
  3,
);
const future = counts.countAsync();
future.cancel();
const c: number = await future;
const df = spark.createDataFrame(counts, 'word STRING, n LONG');
const back = df.rdd.map((row) => row['word'] as string);
const ssc = new StreamingContext(sc, 1000);
ssc.checkpoint('opfs:c');
interface Numbers extends ReceiverHandle<number> {}
class Numbers {
  constructor(private readonly b: { size: number }) {}
  async onStart() {
    while (!this.isStopped()) await this.storeAll([this.b.size]);
  }
  onStop() {}
}
const stream = ssc.receiverStream<number, { size: number }>(Numbers, { size: 3 });
const mapped = stream
  .map((x) => [`k${x % 3}`, x] as [string, number])
  .mapWithState(
    StateSpec.function<string, number, number, string>((key, value, state) => {
      state.update((state.getOption() ?? 0) + (value ?? 0));
      return `${key} ${state.get()}`;
    })
      .timeout(1000)
      .partitioner(byLength),
  );
mapped.foreachRDD(async (rdd) => {
  const rows: string[] = await rdd.collect();
  void rows;
});
mapped.stateSnapshots().foreachRDD(async (rdd) => {
  const rows: [string, number][] = await rdd.collect();
  void rows;
});
void [joined, ones, total, n, all, parts, sorted, c, back];
