// What TypeScript says of the published types, in user code: compiled against the declarations that the package ships
// (scripts/check.mjs). A line after `@ts-expect-error` must not compile, every other line must.
import {
  Accumulator,
  Broadcast,
  Catalog,
  Checkpoints,
  Column,
  DataFrame,
  DataFrameNaFunctions,
  DataFrameReader,
  DataFrameWriter,
  DataStreamReader,
  DataStreamWriter,
  type DStream,
  FutureAction,
  GroupedData,
  KeyValueGroupedDataset,
  ml,
  RDD,
  RuntimeConfig,
  SparkContext,
  SparkSession,
  StateSpec,
  StatusEvents,
  StreamingContext,
  StreamingQuery,
  StreamingQueryManager,
  WindowSpec,
} from 'rivulet';

const spark = await SparkSession.builder.master('local[2]').getOrCreate();
const df = spark.range(3);
const ssc = new StreamingContext(spark.sparkContext, 1000);

// Instances come from a session: no public class of the engine's has a public constructor.
// @ts-expect-error
new DataFrame();
// @ts-expect-error
new Column();
// @ts-expect-error
new Catalog();
// @ts-expect-error
new GroupedData();
// @ts-expect-error
new KeyValueGroupedDataset();
// @ts-expect-error
new DataFrameNaFunctions();
// @ts-expect-error
new DataFrameReader();
// @ts-expect-error
new DataFrameWriter();
// @ts-expect-error
new DataStreamReader();
// @ts-expect-error
new DataStreamWriter();
// @ts-expect-error
new StreamingQuery();
// @ts-expect-error
new StreamingQueryManager();
// @ts-expect-error
new Checkpoints();
// @ts-expect-error
new RuntimeConfig();
// @ts-expect-error
new WindowSpec();
// @ts-expect-error
new RDD();
// @ts-expect-error
new SparkContext();
// @ts-expect-error
new SparkSession();
// @ts-expect-error
new Broadcast();
// @ts-expect-error
new Accumulator();
// @ts-expect-error
new FutureAction();
// @ts-expect-error
new StatusEvents();
// @ts-expect-error
new StateSpec();
const isColumn = (value: unknown): boolean => value instanceof Column || value instanceof DataFrame;

// Values that are bound to the functions of discretized streams have their types there.
const stream: DStream<number> = ssc.queueStream([spark.sparkContext.parallelize([1, 2])]);
const bound = { f: 2 };
const doubled: DStream<number> = stream.map((x, b) => x * b.f, bound);
stream
  .filter((x, b) => x > b.f, bound)
  .flatMap((x, b) => [x * b.f], bound)
  .reduce((a, b, { f }) => a + b * f, bound);
const pairs = stream.map((x, b) => [`k${x}`, x * b.f] as [string, number], bound);
pairs
  .mapValues((x, b) => x * b.f, bound)
  .reduceByKey((a, b, { f }) => a + b * f, 2, bound)
  .combineByKey(
    (x) => [x],
    (xs, x) => [...xs, x],
    (a, b) => [...a, ...b],
  );
pairs.reduceByKeyAndWindow(
  (a, b, { f }) => a + b * f,
  (a, b, { f }) => a - b * f,
  5000,
  1000,
  2,
  ([, n], { f }) => n > f,
  bound,
);
pairs.updateStateByKey((values: number[], state: number | null, b) => (state ?? 0) + values.length * b.f, 2, undefined, bound);
pairs.mapWithState(
  StateSpec.function<string, number, number, string, { f: number }>((key, value, state, b) => `${key} ${(value ?? 0) * b.f}`, bound),
);
// @ts-expect-error
stream.map((x, b) => x * b.g, bound);
// @ts-expect-error
stream.map((x: string) => x.length);

// The names of ml are types as well as values.
let tokenizer: ml.Tokenizer = new ml.Tokenizer({ inputCol: 'text', outputCol: 'words' });
tokenizer = tokenizer.setInputCol('t');
const idf: ml.IDF = new ml.IDF({ inputCol: 'tf', outputCol: 'features' });
const idfModel: ml.IDFModel = await idf.fit(df);
const bayes: ml.NaiveBayesModel = await new ml.NaiveBayes().fit(df);
const stages: ml.PipelineStage[] = [tokenizer, idf, new ml.NaiveBayes()];
const unknownStage: unknown = stages[0];
if (unknownStage instanceof ml.IDFModel) void (await unknownStage.numDocs()).toFixed();
if (unknownStage instanceof ml.Tokenizer) unknownStage.setOutputCol('words');
if (unknownStage instanceof ml.NaiveBayesModel) void (await unknownStage.predictProbability(ml.Vectors.dense(1)));
const judge: ml.MulticlassClassificationEvaluator = new ml.MulticlassClassificationEvaluator({ metricName: 'accuracy' });
// @ts-expect-error
new ml.IDFModel();
// @ts-expect-error
new ml.Tokenizer({ inputColumn: 'text' });
class Upper extends ml.Transformer {
  transform(input: DataFrame): DataFrame {
    return input;
  }
}
stages.push(new Upper());

// Rows are typed by whoever reads them.
interface Person {
  name: string;
  age: number;
}
const people: Person[] = await df.collect<Person>();
const first: Person | null = await df.first<Person>();
const head: Person | null = await df.head<Person>();
const some: Person[] = [...(await df.head<Person>(3)), ...(await df.take<Person>(2)), ...(await df.tail<Person>(1))];
for await (const person of df.rows<Person>()) void person.name.length;
for await (const row of df) void row['name'];
// @ts-expect-error
people[0]!.nmae;

export { bayes, doubled, first, head, idfModel, isColumn, judge, some };
