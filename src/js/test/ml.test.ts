import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { create, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { decodeMessage, encodeMessage } from '../src/connect/message_codec.js';
import { IllegalArgumentException } from '../src/errors.js';
import { unzip, zip } from '../src/files/zip.js';
import { ExecutePlanRequestSchema, ExecutePlanResponseSchema } from '../src/generated/spark/connect/base_pb.js';
import type { MlCommandSchema } from '../src/generated/spark/connect/ml_pb.js';
import * as ml from '../src/ml/index.js';
import { valueOfLiteral, vectorLiteral } from '../src/ml/vector.js';
import type { DataFrame } from '../src/sql/dataframe.js';
import { col } from '../src/sql/functions/index.js';
import { FakeSession } from './fake_engine.js';

type MlCommand = MessageShape<typeof MlCommandSchema>['command'];

/** A session whose engine fits models 0, 1, … and gives each evaluation the next metric. */
function engine(metrics: number[] = []) {
  const commands: MlCommand[] = [];
  let models = 0;
  const session = new FakeSession((message, reply) => {
    if (message.t !== 'req') return;
    const { plan } = fromBinary(ExecutePlanRequestSchema, message.bytes);
    const command = plan?.opType.case === 'command' ? plan.opType.value.commandType : undefined;
    if (command?.case !== 'mlCommand') return;
    commands.push(command.value.command);
    const param = (value: number) => ({ case: 'param' as const, value: { literalType: { case: 'double' as const, value } } });
    const resultType =
      command.value.command.case === 'evaluate'
        ? param(metrics.shift() ?? 0)
        : { case: 'operatorInfo' as const, value: { type: { case: 'objRef' as const, value: { id: `model-${models++}` } } } };
    const response = create(ExecutePlanResponseSchema, { responseType: { case: 'mlCommandResult', value: { resultType } } });
    reply({ t: 'res', id: message.id, bytes: toBinary(ExecutePlanResponseSchema, response) });
    reply({ t: 'end', id: message.id });
  });
  return { session, commands };
}

const transforms = (df: DataFrame): string[] => {
  const names: string[] = [];
  let relType = df.plan.relation.relType;
  while (relType?.case === 'mlRelation') {
    const mlType = relType.value.mlType as {
      case: 'transform';
      value: { operator: { value: { name?: string; id?: string } }; input: typeof df.plan.relation };
    };
    const { operator, input } = mlType.value;
    names.unshift(operator.value.id ?? (operator.value.name ?? '').split('.').at(-1) ?? '');
    relType = input.relType;
  }
  return names;
};

test('params have defaults, are checked, and explain themselves', () => {
  const stage = new ml.HashingTF({ inputCol: 'words', outputCol: 'tf' });
  assert.equal(stage.getNumFeatures(), 262144);
  assert.equal(stage.setNumFeatures(2000).setBinary(true).getNumFeatures(), 2000);
  assert.match(new ml.Tokenizer().getOutputCol(), /^Tokenizer_[0-9a-f]{12}__output$/);
  assert.throws(() => stage.setNumFeatures(1.5), IllegalArgumentException);
  assert.throws(() => stage.setParam('nope', 1), /Param nope does not exist/);
  const explained = stage.explainParams().split('\n');
  assert.deepEqual(
    explained.map((line) => line.split(':')[0]),
    ['binary', 'inputCol', 'numFeatures', 'outputCol'],
  );
  assert.equal(explained[2], 'numFeatures: number of features. (default: 262144, current: 2000)');
  assert.equal(new ml.RegexTokenizer().getPattern(), '\\s+');
});

test('a pipeline fits its estimators in order, each on what the stages before it make', async () => {
  const { session, commands } = engine();
  const pipeline = new ml.Pipeline({
    stages: [
      new ml.Tokenizer({ inputCol: 'text', outputCol: 'words' }),
      new ml.CountVectorizer({ inputCol: 'words', outputCol: 'tf' }),
      new ml.NaiveBayes({ featuresCol: 'tf', smoothing: 0.5 }),
      new ml.IndexToString({ inputCol: 'prediction', outputCol: 'mood', labels: ['sad', 'happy'] }),
    ],
  });
  const model = await pipeline.fit(session.read.table('t'));
  const fits = commands.map((command) => (command.case === 'fit' ? command.value : assert.fail(command.case)));
  assert.deepEqual(
    fits.map((fit) => fit.estimator?.name.split('.').at(-1)),
    ['CountVectorizer', 'NaiveBayes'],
  );
  assert.equal(fits[1]?.params?.params['smoothing']?.literalType.value, 0.5);
  assert.equal(fits[1]?.dataset?.relType.case, 'mlRelation');
  assert.deepEqual(transforms(model.transform(session.read.table('t'))), ['Tokenizer', 'model-0', 'model-1', 'IndexToString']);
  // A model carries the params of its estimator, and can be given others.
  const bayes = model.stages[2] as ml.NaiveBayesModel;
  assert.equal(bayes.getSmoothing(), 0.5);
  assert.deepEqual(bayes.setThresholds([0.9, 0.1]).getThresholds(), [0.9, 0.1]);
});

test('a stage of the page itself takes its place in a pipeline', async () => {
  class Shout extends ml.Transformer {
    override transform(df: DataFrame): DataFrame {
      return df.withColumnRenamed('text', 'TEXT');
    }
  }
  const { session } = engine();
  const model = await new ml.Pipeline({ stages: [new Shout()] }).fit(session.read.table('t'));
  assert.equal(model.transform(session.read.table('t')).plan.relation.relType?.case, 'withColumnsRenamed');
});

test('params given to a fit are for that fit alone, in pipelines too', async () => {
  const { session, commands } = engine();
  const bayes = new ml.NaiveBayes({ smoothing: 1 });
  await new ml.Pipeline({ stages: [bayes] }).fit(session.read.table('t'), [{ stage: bayes, name: 'smoothing', value: 3 }]);
  await bayes.fit(session.read.table('t'));
  const smoothing = commands.map((c) => c.case === 'fit' && c.value.params?.params['smoothing']?.literalType.value);
  assert.deepEqual(smoothing, [3, 1]);
});

test('a grid holds every combination', () => {
  const bayes = new ml.NaiveBayes();
  const grid = new ml.ParamGridBuilder()
    .addGrid(bayes, 'smoothing', [0.1, 1])
    .addGrid(bayes, 'modelType', ['multinomial', 'complement'])
    .build();
  assert.deepEqual(
    grid.map((map) => map.map(({ value }) => value)),
    [
      [0.1, 'multinomial'],
      [0.1, 'complement'],
      [1, 'multinomial'],
      [1, 'complement'],
    ],
  );
});

test('one model per class: each is asked for its scores alone, under a name of its own', async () => {
  const { session, commands } = engine();
  const df = session.read.table('t');
  const classifier = new ml.LogisticRegression({ probabilityCol: 'p' });
  const models = [await classifier.fit(df), await classifier.fit(df)];
  const model = new ml.OneVsRestModel(models, classifier);
  const asked: string[] = [];
  let { relType } = model.setParam('rawPredictionCol', 'scores').transform(df).plan.relation;
  while (relType?.case === 'drop' || relType?.case === 'withColumns' || relType?.case === 'mlRelation') {
    if (relType.case !== 'mlRelation') {
      relType = (relType.value as { input: typeof df.plan.relation }).input.relType;
      continue;
    }
    const { value } = relType.value.mlType as {
      value: {
        operator: { value: { id: string } };
        params: { params: Record<string, { literalType: { value: string } }> };
        input: typeof df.plan.relation;
      };
    };
    const { operator, params, input } = value;
    const { featuresCol, predictionCol, probabilityCol, rawPredictionCol } = params.params;
    const columns = [featuresCol, predictionCol, probabilityCol, rawPredictionCol].map((column) => column?.literalType.value);
    asked.unshift([operator.value.id, ...columns].join(' ').replace(/[0-9a-f]{12}$/, '#'));
    relType = input.relType;
  }
  assert.deepEqual(asked, ['model-0 features   mbc$0$#', 'model-1 features   mbc$1$#']);
  const none = model.setParam('rawPredictionCol', '').setParam('predictionCol', '');
  assert.equal(none.transform(df), df);
  await model.release();
  assert.deepEqual(
    commands.map((command) => command.case),
    ['fit', 'fit', 'delete', 'delete'],
  );
  assert.throws(() => new ml.OneVsRest({ classifier: new ml.LinearRegression() }), { condition: 'RIVULET_INVALID_PARAM' });
});

test('a cross validator averages over the folds and fits the best combination on everything', async () => {
  // Fold by fold, the metric of each of two combinations.
  const { session, commands } = engine([0.5, 0.9, 0.7, 0.7]);
  const bayes = new ml.NaiveBayes();
  const validator = new ml.CrossValidator({
    estimator: bayes,
    evaluator: new ml.MulticlassClassificationEvaluator({ metricName: 'accuracy' }),
    numFolds: 2,
    foldCol: 'fold',
    estimatorParamMaps: new ml.ParamGridBuilder().addGrid(bayes, 'smoothing', [1, 10]).build(),
  });
  const model = await validator.fit(session.read.table('t'));
  assert.deepEqual(
    model.avgMetrics.map((m) => m.toFixed(6)),
    ['0.600000', '0.800000'],
  );
  assert.deepEqual(
    model.stdMetrics.map((m) => m.toFixed(6)),
    ['0.100000', '0.100000'],
  );
  assert.equal(model.bestIndex, 1);
  const last = commands.at(-1);
  assert.ok(last?.case === 'fit' && last.value.params?.params['smoothing']?.literalType.value === 10);
  assert.equal(last.value.dataset?.relType.case, 'read');
  assert.equal(commands.filter((c) => c.case === 'delete').length, 4);
});

test('of a metric that should be small, the smallest is best', async () => {
  const { session } = engine([0.4, 0.2, 0.3]);
  const bayes = new ml.NaiveBayes();
  const split = new ml.TrainValidationSplit({
    estimator: bayes,
    evaluator: new ml.MulticlassClassificationEvaluator({ metricName: 'logLoss' }),
    trainRatio: 0.8,
    parallelism: 2,
    estimatorParamMaps: new ml.ParamGridBuilder().addGrid(bayes, 'smoothing', [1, 2, 3]).build(),
  });
  assert.equal((await split.fit(session.read.table('t'))).bestIndex, 1);
});

test('a streaming model goes on from the model before, and says which batch it learns', async () => {
  const { session, commands } = engine();
  const learner = new ml.StreamingNaiveBayes({ halfLife: 5, smoothing: 2 });
  await learner.update(session.read.table('t'), 7);
  await learner.update(session.read.table('t'), 8n);
  const sent = commands.map((c) => (c.case === 'fit' ? (c.value.params?.params ?? {}) : assert.fail(c.case)));
  assert.deepEqual(
    sent.map((params) => params['initialModel']?.literalType.value),
    [undefined, 'model-0'],
  );
  assert.deepEqual(
    sent.map((params) => params['batchId']?.literalType.value),
    [7n, 8n],
  );
  assert.equal(sent[0]?.['halfLife']?.literalType.value, 5);
  assert.equal(learner.model?.getSmoothing(), 2);
  assert.deepEqual(transforms(learner.model!.transform(session.read.table('t'))), ['model-1']);
});

test('a learner of a stream begins where its params say, and then continues its own model', async () => {
  const { session, commands } = engine();
  const learner = new ml.StreamingKMeans({ k: 2 })
    .setInitialCenters([[0, 1], ml.Vectors.sparse(2, [1], [5])], [1, 2])
    .setHalfLife(3, 'points');
  assert.equal(learner.latestModel(), undefined);
  const first = await learner.start({ context: session.context });
  assert.equal(await learner.start({ context: session.context }), first);
  await learner.update(session.read.table('t'), 4);
  const [start, update] = commands.map((c) => (c.case === 'fit' ? c.value : assert.fail(c.case)));
  assert.equal(start?.estimator?.name, 'org.apache.spark.mllib.clustering.StreamingKMeans');
  assert.equal(start?.dataset, undefined);
  const sent = valueOfLiteral(start?.params?.params['initialCenters'] as Parameters<typeof valueOfLiteral>[0]);
  assert.deepEqual(sent, [
    [0, 1],
    [0, 5],
  ]);
  assert.deepEqual(
    ['initialCenters', 'initialModel', 'batchId', 'halfLife'].map((name) => update?.params?.params[name]?.literalType.value),
    [undefined, 'model-0', 4n, 3],
  );
  assert.deepEqual(transforms(learner.latestModel()!.transform(session.read.table('t'))), ['model-1']);
  assert.equal(learner.setDecayFactor(0.5).isSet('halfLife'), false);
});

test('updates that are begun at once run one after the other', async () => {
  const { session, commands } = engine();
  const learner = new ml.StreamingLogisticRegressionWithSGD({ regParam: 0.1 }).setInitialWeights([0, 0]);
  await Promise.all([1, 2, 3].map((batch) => learner.update(session.read.table('t'), batch)));
  assert.deepEqual(
    commands.map((c) => (c.case === 'fit' ? c.value.params?.params['initialModel']?.literalType.value : assert.fail(c.case))),
    [undefined, 'model-0', 'model-1'],
  );
  assert.equal(learner.model?.getRegParam(), 0.1);
});

test('a learner of a stream refuses what mllib refuses, in its words', async () => {
  const { refusals } = JSON.parse(
    readFileSync(join(process.env['RIVULET_ROOT'] ?? process.cwd(), 'tests/goldens/mllib/streaming_k_means.json'), 'utf8'),
  ) as { refusals: Record<string, { message: string }> };
  const linear = () => new ml.StreamingLinearRegressionWithSGD();
  const refused: Record<string, () => unknown> = {
    k: () => new ml.StreamingKMeans().setK(0),
    decayFactor: () => new ml.StreamingKMeans({ decayFactor: -0.5 }),
    halfLife: () => new ml.StreamingKMeans().setHalfLife(0, 'batches'),
    timeUnit: () => new ml.StreamingKMeans().setHalfLife(1, 'hours' as never),
    dim: () => new ml.StreamingKMeans().setRandomCenters(0, 1, 1),
    weight: () => new ml.StreamingKMeans().setRandomCenters(1, -1, 1),
    stepSize: () => linear().setStepSize(0),
    numIterations: () => linear().setNumIterations(-1),
    regParam: () => linear().setRegParam(-1),
    miniBatchFraction: () => linear().setMiniBatchFraction(0),
    convergenceTol: () => linear().setConvergenceTol(1.5),
    linear_not_initialized: () => linear().trainOn(undefined as never),
    linear_predictions_not_initialized: () => linear().predictOnValues(undefined as never),
    not_initialized: () => new ml.StreamingKMeans().trainOn(undefined as never),
    predictions_not_initialized: () => new ml.StreamingKMeans().predictOn(undefined as never),
  };
  for (const [name, call] of Object.entries(refused)) assert.throws(call, { message: refusals[name]?.message }, name);
});

test('a zip gives back its files', async () => {
  const files = [
    ['metadata/part-0.txt', new TextEncoder().encode('{}')],
    ['data/ä.parquet', Uint8Array.of(0, 255, 7)],
  ] as const;
  const bytes = new Uint8Array(await zip(files).arrayBuffer());
  assert.deepEqual(
    await unzip(bytes),
    files.map(([name, content]) => [name, content]),
  );
  await assert.rejects(unzip(new Uint8Array(40)), { condition: 'RIVULET_CORRUPT_ARCHIVE' });
});

test('vectors and matrices come out of literals as they went in', () => {
  for (const vector of [ml.Vectors.dense(1, -0.5), ml.Vectors.sparse(4, [1, 3], [2, 0.25])]) {
    const literal = decodeMessage('Expression.Literal', encodeMessage('Expression.Literal', vectorLiteral(vector)));
    assert.deepEqual(valueOfLiteral(literal as Parameters<typeof valueOfLiteral>[0]), vector);
  }
  assert.deepEqual(ml.Vectors.sparse(3, [2], [5]).toArray(), [0, 0, 5]);
  assert.throws(() => ml.Vectors.sparse(3, [2, 1], [1, 1]), /ascend/);
});

test('a variance threshold is fitted under its own class', async () => {
  const { session, commands } = engine();
  const selector = new ml.VarianceThresholdSelector({ outputCol: 'selected', varianceThreshold: 2.5 });
  assert.equal(selector.getFeaturesCol(), 'features');
  const model = await selector.fit(session.read.table('t'));
  assert.ok(model instanceof ml.VarianceThresholdSelectorModel);
  const [fit] = commands;
  assert.ok(fit?.case === 'fit');
  assert.equal(fit.value.estimator?.name, 'org.apache.spark.ml.feature.VarianceThresholdSelector');
});

test('params of vectors and of lists of integers travel as such', async () => {
  const { session, commands } = engine();
  const product = new ml.ElementwiseProduct({ inputCol: 'v', outputCol: 'o', scalingVec: ml.Vectors.dense([2, 0.5]) });
  assert.throws(() => product.setParam('scalingVec', [1, 2]), IllegalArgumentException);
  assert.throws(() => new ml.VectorSlicer().setIndices([0.5]), IllegalArgumentException);
  await product.save(session, '/p');
  await new ml.VectorSlicer({ indices: [2, 0] }).save(session, '/s');
  const params = commands.map((command) => (command.case === 'write' ? command.value.params?.params : undefined));
  assert.deepEqual(ml.Vectors.of(valueOfLiteral(params[0]!['scalingVec']!) as ml.Vector).toArray(), [2, 0.5]);
  assert.deepEqual(valueOfLiteral(params[1]!['indices']!), [2, 0]);
});

test('smaller errors, larger silhouettes and shares are better', () => {
  const larger = (metricName: 'rmse' | 'mse' | 'mae' | 'r2' | 'var') => new ml.RegressionEvaluator({ metricName }).isLargerBetter();
  assert.deepEqual([larger('rmse'), larger('mse'), larger('mae'), larger('r2'), larger('var')], [false, false, false, true, true]);
  assert.ok(new ml.ClusteringEvaluator().isLargerBetter() && new ml.RankingEvaluator().isLargerBetter());
  assert.ok(!new ml.MultilabelClassificationEvaluator({ metricName: 'hammingLoss' }).isLargerBetter());
});

test('statistics and neighbours are relations that fetch from the engine', async () => {
  const { session } = engine();
  const df = session.read.table('t');
  type Fetch = { objRef: { id: string }; methods: { method: string; args: { argsType: { case: string; value: unknown } }[] }[] };
  const fetchOf = (made: DataFrame) => {
    const { relType } = made.plan.relation;
    assert.equal(relType?.case, 'mlRelation');
    const { value } = (relType!.value as { mlType: { case: string; value: Fetch } }).mlType;
    const [method] = value.methods;
    return { id: value.objRef.id, method: method!.method, args: method!.args.map(({ argsType }) => argsType.case) };
  };
  assert.deepEqual(fetchOf(ml.ChiSquareTest.test(df, 'features', 'label', true)), {
    id: '______ML_CONNECT_HELPER______',
    method: 'chiSquareTest',
    args: ['input', 'param', 'param', 'param'],
  });
  const model = await new ml.MinHashLSH({ inputCol: 'v', outputCol: 'h' }).fit(df);
  const near = fetchOf(ml.approxNearestNeighbors(model, df, ml.Vectors.dense([1]), 2));
  assert.deepEqual(near, { id: 'model-0', method: 'approxNearestNeighbors', args: ['input', 'param', 'param', 'param'] });
  assert.equal(fetchOf(ml.approxSimilarityJoin(model, df, df, 0.5)).args.length, 4);
  const summary = ml.Summarizer.metrics('mean', 'count').summary(col('v'));
  assert.ok(summary);
});
