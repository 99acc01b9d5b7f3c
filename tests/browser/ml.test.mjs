// Pipelines, naive Bayes and saved models in Chromium: the same goldens of Spark's that PySpark checks natively.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { browser, inPage, PRIVATE_FILES, ROOT } from './harness.mjs';

const plain = browser();
const ML = join(ROOT, 'tests/goldens/ml');
const golden = (name) => JSON.parse(readFileSync(join(ML, `${name}.json`), 'utf8'));

const special = { NaN, Infinity, '-Infinity': -Infinity };
const number = (v) => (typeof v === 'string' ? special[v] : v);

/** Doubles agree to 1e-9 of themselves. */
function close(actual, expected, where) {
  if (Array.isArray(expected)) {
    assert.equal(actual.length, expected.length, where);
    expected.forEach((value, i) => close(actual[i], value, `${where}[${i}]`));
    return;
  }
  const [a, b] = [number(actual), number(expected)];
  const same = Object.is(a, b) || a === b || Math.abs(a - b) <= Math.max(1e-9 * Math.max(Math.abs(a), Math.abs(b)), 1e-12);
  assert.ok(same, `${where}: expected ${b}, got ${a}`);
}

/** A golden vector as the struct that a row has. */
const struct = (v) =>
  v.vector === 'dense'
    ? { type: 1, size: null, indices: null, values: v.values.map(number) }
    : { type: 0, size: v.size, indices: v.indices, values: v.values.map(number) };

const DDL = { VECTOR: 'STRUCT<type: TINYINT, size: INT, indices: ARRAY<INT>, values: ARRAY<DOUBLE>>' };

/** Rows and DDL for `createDataFrame` of a golden's input. */
function input({ schema, rows }) {
  const value = (v) => (v && typeof v === 'object' && 'vector' in v ? struct(v) : v);
  return { ddl: schema.replace(/\bVECTOR\b/g, DDL.VECTOR), rows: rows.map((row) => row.map(value)) };
}

test('the demo pipeline learns and predicts what Spark does', async () => {
  const { inputs, expected } = golden('demo_pipeline/demo_pipeline');
  const found = await inPage(
    plain,
    async ({ train, test }) => {
      const { SparkSession, ml } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[2]').getOrCreate();
      const frame = ({ rows, ddl }) => spark.createDataFrame(rows, ddl);
      const model = await new ml.Pipeline({
        stages: [
          new ml.Tokenizer({ inputCol: 'status', outputCol: 'words' }),
          new ml.StopWordsRemover({ inputCol: 'words', outputCol: 'filtered' }),
          new ml.HashingTF({ inputCol: 'filtered', outputCol: 'features', numFeatures: 2000 }),
          new ml.NaiveBayes(),
        ],
      }).fit(frame(train));
      const bayes = model.stages.at(-1);
      const scored = model.transform(frame(test));
      const rows = await scored.select('id', 'rawPrediction', 'probability', 'prediction').orderBy('id').collect();
      // Selected alone, the prediction is made of the text in one pass.
      const alone = await scored.select('id', 'prediction').orderBy('id').collect();
      const metric = (metricName) => new ml.MulticlassClassificationEvaluator({ metricName }).evaluate(scored);
      const out = {
        pi: (await bayes.pi()).toArray(),
        theta: (await bayes.theta()).toArray(),
        columns: await scored.columns(),
        rows: rows.map((r) => [r.rawPrediction.values, r.probability.values, r.prediction]),
        alone: alone.map((r) => r.prediction),
        accuracy: await metric('accuracy'),
        logLoss: await metric('logLoss'),
        auc: await new ml.BinaryClassificationEvaluator().evaluate(scored),
      };
      await spark.stop();
      return out;
    },
    { train: input(inputs.train), test: input(inputs.test) },
  );
  close(found.pi, expected.pi.value.values, 'pi');
  close(found.theta, expected.theta.value.rows, 'theta');
  assert.deepEqual(found.columns, expected.columns.value);
  const rows = expected.transform.rows.map(([, , raw, probability, prediction]) => [raw.values, probability.values, prediction]);
  close(found.rows, rows, 'transform');
  assert.deepEqual(
    found.alone,
    rows.map(([, , prediction]) => prediction),
  );
  close(
    [found.accuracy, found.logLoss, found.auc],
    [expected.accuracy.value, expected.logLoss.value, expected.areaUnderROC.value],
    'metrics',
  );
});

test("naive Bayes of all types gives Spark's numbers", async () => {
  const names = readdirSync(join(ML, 'naive_bayes')).filter((n) => /^nb_(multinomial|complement|bernoulli|gaussian)_\dc_s/.test(n));
  assert.ok(names.length >= 20);
  const cases = names.map((name) => {
    const { inputs, expected, code } = golden(`naive_bayes/${name.replace('.json', '')}`);
    const arg = (key) =>
      /** the value of a keyword argument in the Python code */ new RegExp(`${key}=([^,)]+)`).exec(code[0])?.[1].replaceAll("'", '');
    const params = { modelType: arg('modelType'), smoothing: Number(arg('smoothing') ?? 1), weightCol: arg('weightCol') };
    return { name, params, df: input(inputs.df), test: input(inputs.test), expected };
  });
  const found = await inPage(
    plain,
    async (all) => {
      const { SparkSession, ml } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[2]').getOrCreate();
      const out = [];
      for (const { params, df, test } of all) {
        const model = await new ml.NaiveBayes(params).fit(spark.createDataFrame(df.rows, df.ddl));
        const rows = await model.transform(spark.createDataFrame(test.rows, test.ddl)).orderBy('id').collect();
        out.push({
          pi: (await model.pi()).toArray(),
          theta: (await model.theta()).toArray(),
          sigma: (await model.sigma()).toArray(),
          rows: rows.map((r) => [r.rawPrediction.values, r.probability.values, r.prediction]),
        });
        await model.release();
      }
      await spark.stop();
      return out;
    },
    cases.map(({ params, df, test }) => ({ params, df, test })),
  );
  cases.forEach(({ name, expected }, i) => {
    close(found[i].pi, expected.pi.value.values, `${name} pi`);
    close(found[i].theta, expected.theta.value.rows, `${name} theta`);
    close(found[i].sigma, expected.sigma.value.rows, `${name} sigma`);
    const rows = expected.transform.rows
      .map((row) => row.slice(-3))
      .map(([raw, probability, prediction]) => [raw.values, probability.values, prediction]);
    close(found[i].rows, rows, `${name} transform`);
  });
});

test('what Connect does not carry: thresholds of a model, the confusion matrix, and the points behind ROC and PR', async () => {
  const [thresholds, matrix, curves] = [
    'naive_bayes/nb_set_thresholds_on_model',
    'evaluators/confusion_matrix',
    'evaluators/binary_curves',
  ].map(golden);
  const found = await inPage(
    plain,
    async ({ fit, test, scored, binary }) => {
      const { functions: F, ml, SparkSession } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[2]').getOrCreate();
      const frame = ({ rows, ddl }) => spark.createDataFrame(rows, ddl);
      const model = await new ml.NaiveBayes().fit(frame(fit));
      model.setThresholds([0.9, 0.1]);
      const predicted = await model.transform(frame(test)).select('id', 'prediction').orderBy('id').collect();
      const counts = await frame(scored).groupBy('label', 'prediction').count().orderBy('label', 'prediction').collect();
      const byScore = await frame(binary)
        .groupBy(F.expr('probability.values[1]').alias('score'))
        .agg(F.sum('label').alias('positives'), F.count('*').alias('n'))
        .orderBy(F.col('score').desc())
        .collect();
      await spark.stop();
      return {
        predicted: predicted.map((r) => [r.id, r.prediction]),
        counts: counts.map((r) => [r.label, r.prediction, r.count]),
        byScore: byScore.map((r) => [r.score, r.positives, r.n - r.positives]),
      };
    },
    {
      fit: input(thresholds.inputs.df),
      test: input(thresholds.inputs.test),
      scored: input(matrix.inputs.df),
      binary: input(curves.inputs.df),
    },
  );
  close(found.predicted, thresholds.expected.b.rows, 'thresholds');
  close(found.counts, matrix.expected.groupBy.rows, 'counts');
  const rows = [0, 1, 2].map((label) =>
    [0, 1, 2].map((prediction) => found.counts.find(([l, p]) => l === label && p === prediction)?.[2] ?? 0),
  );
  close(rows, matrix.expected.confusionMatrix.value.rows, 'confusion matrix');
  const total = [1, 2].map((i) => found.byScore.reduce((sum, row) => sum + row[i], 0));
  let [hits, alarms] = [0, 0];
  const [roc, pr] = [[[0, 0]], []];
  for (const [, positives, negatives] of found.byScore) {
    hits += positives;
    alarms += negatives;
    roc.push([alarms / total[1], hits / total[0]]);
    pr.push([hits / total[0], hits / (hits + alarms)]);
  }
  const { expected } = curves;
  close(
    found.byScore.map(([score]) => score),
    expected.thresholds.value,
    'thresholds',
  );
  close([...roc, [1, 1]], expected.roc.value, 'ROC');
  close([[0, pr[0][1]], ...pr], expected.pr.value, 'PR');
});

/** All files below a directory, base64 by path. */
function filesOf(directory, root = directory) {
  return Object.fromEntries(
    readdirSync(directory).flatMap((name) => {
      const path = join(directory, name);
      if (statSync(path).isDirectory()) return Object.entries(filesOf(path, root));
      return [[relative(root, path), readFileSync(path).toString('base64')]];
    }),
  );
}

for (const name of ['pipeline_demo', 'pipeline_features']) {
  test(`the directory ${name}, saved by Spark, predicts as Spark does`, async () => {
    const { inputs, expected } = golden(`saved_models/saved_model_${name}`);
    const found = await inPage(
      plain,
      async ({ files, test }) => {
        const { SparkSession, ml } = await import('rivulet');
        const spark = await SparkSession.builder.master('local[2]').getOrCreate();
        const bytes = Object.entries(files).map(([path, text]) => [path, Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]);
        const model = await ml.PipelineModel.load(spark, Object.fromEntries(bytes));
        const rows = await model.transform(spark.createDataFrame(test.rows, test.ddl)).orderBy('id').collect();
        await spark.stop();
        return rows.map((r) => [r.rawPrediction.values, r.probability.values, r.prediction]);
      },
      { files: filesOf(join(ML, 'models', name)), test: input(inputs.test) },
    );
    close(
      found,
      expected.transform.rows.map((row) => row.slice(-3)).map(([r, p, prediction]) => [r.values, p.values, prediction]),
      name,
    );
  });
}

test('transformers work on a stream', async () => {
  const scored = await inPage(plain, async () => {
    const { SparkSession, ml } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').getOrCreate();
    const train = spark.createDataFrame(
      [
        ['good great', 1],
        ['bad awful', 0],
        ['great film', 1],
        ['awful film', 0],
      ],
      'text STRING, label DOUBLE',
    );
    const model = await new ml.Pipeline({
      stages: [
        new ml.Tokenizer({ inputCol: 'text', outputCol: 'words' }),
        new ml.HashingTF({ inputCol: 'words', outputCol: 'features', numFeatures: 64 }),
        new ml.NaiveBayes(),
      ],
    }).fit(train);
    const { df, write, end } = spark.readStream.push({ schema: 'text STRING' });
    const query = await model
      .transform(df)
      .select('text', 'prediction')
      .writeStream.format('memory')
      .queryName('scored')
      .outputMode('append')
      .start();
    await write([{ text: 'great' }, { text: 'awful' }]);
    await query.processAllAvailable();
    await query.stop();
    end();
    const rows = await spark.table('scored').orderBy('text').collect();
    await spark.stop();
    return rows;
  });
  assert.deepEqual(scored, [
    { text: 'awful', prediction: 0 },
    { text: 'great', prediction: 1 },
  ]);
});

test('a model that is saved in the tab is loaded by another session, from storage and from a zip', PRIVATE_FILES, async () => {
  const seen = await inPage(plain, async () => {
    const { SparkSession, ml } = await import('rivulet');
    const session = () => SparkSession.builder.master('local[1]').create();
    const rows = [
      ['good great', 1],
      ['bad awful', 0],
      ['great film', 1],
      ['awful film', 0],
    ];
    const predicted = async (spark, model) =>
      (await model.transform(spark.createDataFrame(rows, 'text STRING, label DOUBLE')).select('probability').collect()).map(
        (r) => r.probability.values,
      );
    let spark = await session();
    const model = await new ml.Pipeline({
      stages: [
        new ml.Tokenizer({ inputCol: 'text', outputCol: 'words' }),
        new ml.CountVectorizer({ inputCol: 'words', outputCol: 'features' }),
        new ml.NaiveBayes({ smoothing: 0.5 }),
      ],
    }).fit(spark.createDataFrame(rows, 'text STRING, label DOUBLE'));
    await model.save(spark, 'models/mood', { overwrite: true });
    const again = await model.save(spark, 'models/mood').then(
      () => 'saved',
      (error) => error.message,
    );
    const before = await predicted(spark, model);
    const archive = await ml.modelArchive('models/mood');
    await spark.stop();
    spark = await session();
    const stored = await predicted(spark, await ml.PipelineModel.load(spark, 'models/mood'));
    const unzipped = await predicted(spark, await ml.PipelineModel.load(spark, archive));
    const missing = await ml.PipelineModel.load(spark, 'models/nothing').then(
      () => 'loaded',
      (error) => error.condition,
    );
    await spark.stop();
    return { before, stored, unzipped, again, missing };
  });
  assert.deepEqual(seen.stored, seen.before);
  assert.deepEqual(seen.unzipped, seen.before);
  assert.match(seen.again, /already exists/);
  assert.equal(seen.missing, 'CORRUPT_MODEL');
});

test('a streaming model scores a stream and learns from it, each batch once', async () => {
  const seen = await inPage(plain, async () => {
    const { SparkSession, ml } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').getOrCreate();
    const hashed = (df) =>
      new ml.HashingTF({ inputCol: 'words', outputCol: 'features', numFeatures: 64 }).transform(
        new ml.Tokenizer({ inputCol: 'text', outputCol: 'words' }).transform(df),
      );
    let learner = new ml.StreamingNaiveBayes();
    const scores = [];
    const { df, write, end } = spark.readStream.push({ schema: 'text STRING, label DOUBLE' });
    const query = await hashed(df)
      .writeStream.foreachBatch(async (batch, id) => {
        if (learner.model)
          scores.push(
            ...(await learner.model.transform(batch).select('text', 'prediction').orderBy('text').collect()).map((r) => [
              r.text,
              r.prediction,
            ]),
          );
        await learner.update(batch, id);
      })
      .start();
    await write([
      { text: 'great', label: 1 },
      { text: 'awful', label: 0 },
    ]);
    await query.processAllAvailable();
    await write([
      { text: 'great great', label: 1 },
      { text: 'awful awful', label: 0 },
    ]);
    await query.processAllAvailable();
    await query.stop();
    end();
    const rows = [
      ['great', 1],
      ['awful', 0],
      ['great great', 1],
      ['awful awful', 0],
    ];
    const whole = await new ml.NaiveBayes().fit(hashed(spark.createDataFrame(rows, 'text STRING, label DOUBLE')));
    const theta = (await learner.model.theta()).toArray();
    const same = JSON.stringify(theta) === JSON.stringify((await whole.theta()).toArray());
    await learner.save(spark, 'models/stream', { overwrite: true });
    learner = await ml.StreamingNaiveBayes.load(spark, 'models/stream');
    // Batch 1 is in the model already.
    await learner.update(hashed(spark.createDataFrame([['other', 1]], 'text STRING, label DOUBLE')), 1);
    const repeated = JSON.stringify((await learner.model.theta()).toArray()) === JSON.stringify(theta);
    await learner.update(hashed(spark.createDataFrame([['other', 1]], 'text STRING, label DOUBLE')), 2);
    const learned = JSON.stringify((await learner.model.theta()).toArray()) !== JSON.stringify(theta);
    await spark.stop();
    return { scores, same, repeated, learned };
  });
  assert.deepEqual(seen, {
    scores: [
      ['awful awful', 0],
      ['great great', 1],
    ],
    same: true,
    repeated: true,
    learned: true,
  });
});

test('streaming k-means learns from a stream of DataFrames as Spark does, each batch once, and continues after a restart', async () => {
  const { cases } = JSON.parse(readFileSync(join(ROOT, 'tests/goldens/mllib/streaming_k_means.json'), 'utf8'));
  const golden = cases.find(({ id }) => id === 'half_life_points');
  const seen = await inPage(
    plain,
    async (golden) => {
      const { SparkSession, ml } = await import('rivulet');
      const schema = 'features STRUCT<type: TINYINT, size: INT, indices: ARRAY<INT>, values: ARRAY<DOUBLE>>';
      const rows = (batch) => batch.map((values) => ({ features: ml.Vectors.toStruct(ml.Vectors.dense(values)) }));
      const state = async (learner) => ({
        centers: await learner.latestModel().clusterCenters(),
        weights: (await learner.latestModel().clusterWeights()).toArray(),
      });
      const life = async (learner, batches, firstId) => {
        const { df, write, end } = spark.readStream.push({ schema });
        const states = [];
        const query = await df.writeStream
          .foreachBatch(async (batch, id) => {
            await learner.update(batch, firstId + id);
            states.push(await state(learner));
          })
          .start();
        for (const batch of batches) {
          await write(rows(batch));
          await query.processAllAvailable();
        }
        await query.stop();
        end();
        return states;
      };
      let spark = await SparkSession.builder.master('local[2]').getOrCreate();
      const params = { k: golden.centers.length, halfLife: golden.halfLife, timeUnit: golden.timeUnit };
      let learner = new ml.StreamingKMeans(params).setInitialCenters(golden.centers, golden.weights);
      const states = await life(learner, golden.batches.slice(0, 2), 0);
      await learner.save(spark, 'models/stream-means', { overwrite: true });
      await spark.stop();
      spark = await SparkSession.builder.master('local[2]').getOrCreate();
      learner = await ml.StreamingKMeans.load(spark, 'models/stream-means', params);
      // The second batch runs again.
      const [repeated, ...rest] = await life(learner, golden.batches.slice(1), 1);
      const scored = await learner
        .latestModel()
        .transform(spark.createDataFrame(rows(golden.centers), schema))
        .select('prediction')
        .collect();
      const plain = await ml.KMeansModel.load(spark, 'models/stream-means');
      const matrix = (await plain.clusterCenterMatrix()).toArray();
      await spark.stop();
      return { states: [...states, ...rest], repeated, scored: scored.length, matrix };
    },
    golden,
  );
  assert.equal(seen.states.length, golden.after.length);
  golden.after.forEach(({ centers, weights }, i) => {
    close(seen.states[i].centers, centers, `centers ${i}`);
    close(seen.states[i].weights, weights, `weights ${i}`);
  });
  close(seen.repeated.centers, golden.after[1].centers, 'repeated');
  close(seen.matrix, golden.after[1].centers, 'as KMeansModel');
  assert.equal(seen.scored, golden.centers.length);
});

test('streaming k-means learns from a DStream and predicts for another, with empty intervals', async () => {
  const { cases } = JSON.parse(readFileSync(join(ROOT, 'tests/goldens/mllib/streaming_k_means.json'), 'utf8'));
  const golden = cases.find(({ id }) => id === 'empty');
  const seen = await inPage(
    plain,
    async (golden) => {
      const { SparkSession, ml, ManualClock, StreamingContext } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[2]').getOrCreate();
      const clock = new ManualClock();
      const ssc = new StreamingContext(spark.sparkContext, 1_000, clock);
      const learner = new ml.StreamingKMeans({ k: 2 }).setDecayFactor(golden.decayFactor);
      const refused = { train: '', predict: '' };
      const points = ssc.queueStream([...golden.batches]);
      for (const [name, call] of [
        ['train', () => learner.trainOn(points)],
        ['predict', () => learner.predictOn(points)],
      ]) {
        try {
          call();
        } catch (error) {
          refused[name] = error.message;
        }
      }
      learner.setInitialCenters(golden.centers, golden.weights);
      const states = [];
      const predicted = [];
      const keyed = [];
      learner.predictOn(points).foreachRDD(async (rdd) => void predicted.push(await rdd.collect()));
      learner.predictOnValues(points.map((p) => [`${p}`, p])).foreachRDD(async (rdd) => void keyed.push(await rdd.collect()));
      learner.trainOn(points);
      points.foreachRDD(async () => {
        const model = learner.latestModel();
        states.push({ centers: await model.clusterCenters(), weights: (await model.clusterWeights()).toArray() });
      });
      ssc.start();
      golden.batches.forEach((_, i) => clock.advanceTo((i + 1) * 1_000));
      await ssc.processed();
      await ssc.stop();
      await spark.stop();
      return { states, predicted, keyed, refused };
    },
    golden,
  );
  assert.equal(seen.states.length, golden.after.length);
  golden.after.forEach(({ centers, weights }, i) => {
    close(seen.states[i].centers, centers, `centers ${i}`);
    close(seen.states[i].weights, weights, `weights ${i}`);
  });
  golden.batches.forEach((batch, i) => {
    const centers = i === 0 ? golden.centers : golden.after[i - 1].centers;
    const nearest = batch.map((p) => {
      const costs = centers.map((c) => c.reduce((sum, x, j) => sum + (x - p[j]) ** 2, 0));
      return costs.indexOf(Math.min(...costs));
    });
    assert.deepEqual(seen.predicted[i], nearest);
    assert.deepEqual(
      seen.keyed[i],
      batch.map((p, j) => [`${p}`, nearest[j]]),
    );
  });
  for (const message of Object.values(seen.refused)) assert.match(message, /^Initial cluster centers must be set/);
});

test('streaming regressions learn from DataFrames and DStreams as Spark does', async () => {
  const { cases } = JSON.parse(readFileSync(join(ROOT, 'tests/goldens/mllib/streaming_sgd.json'), 'utf8'));
  const goldens = cases.filter(({ id }) => /_(empty|start|wrong_size)$/.test(id) || id === 'logistic_sparse');
  const seen = await inPage(
    plain,
    async (goldens) => {
      const { SparkSession, ml, ManualClock, StreamingContext } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[2]').getOrCreate();
      const schema = 'label DOUBLE, features STRUCT<type: TINYINT, size: INT, indices: ARRAY<INT>, values: ARRAY<DOUBLE>>';
      const struct = (v) => ml.Vectors.toStruct(Array.isArray(v) ? ml.Vectors.dense(v) : ml.Vectors.sparse(v.size, v.indices, v.values));
      const learnerOf = ({ kind, params, initialWeights }) => {
        const Learner = kind === 'linear' ? ml.StreamingLinearRegressionWithSGD : ml.StreamingLogisticRegressionWithSGD;
        return new Learner(params).setInitialWeights(initialWeights);
      };
      const weights = async (learner) => (await learner.latestModel().coefficients()).toArray();
      const all = [];
      for (const golden of goldens) {
        const frames = [];
        const learner = learnerOf(golden);
        for (const [id, batch] of golden.batches.entries()) {
          const rows = batch.map(([label, v]) => ({ label, features: struct(v) }));
          try {
            await learner.update(spark.createDataFrame(rows, schema), id);
            frames.push(await weights(learner));
          } catch (error) {
            frames.push(error.message);
          }
        }
        const clock = new ManualClock();
        const ssc = new StreamingContext(spark.sparkContext, 1_000, clock);
        const streamed = learnerOf(golden);
        const streams = [];
        const points = ssc.queueStream(
          golden.batches.map((batch) => batch.map(([label, v]) => ({ label, features: Array.isArray(v) ? v : struct(v) }))),
        );
        streamed.trainOn(points);
        points.foreachRDD(async () => void streams.push(streamed.latestModel() ? await weights(streamed) : null));
        ssc.start();
        golden.batches.forEach((_, i) => clock.advanceTo((i + 1) * 1_000));
        await ssc.processed().catch(() => {});
        await ssc.stop().catch(() => {});
        all.push({ frames, streams });
      }
      await spark.stop();
      return all;
    },
    goldens,
  );
  goldens.forEach(({ id, after }, at) => {
    after.forEach(({ weights, error }, i) => {
      if (error) assert.match(seen[at].frames[i], /non-matching sizes/, `${id}: ${seen[at].frames[i]}`);
      else {
        close(seen[at].frames[i], weights, `${id} ${i}`);
        close(seen[at].streams[i], weights, `${id} ${i} of a DStream`);
      }
    });
  });
});
