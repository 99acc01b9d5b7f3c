// Training by the package's learners. As PySpark's users do, the vectors are made once, into a table in memory, and learnt from there.
import { ml } from '/pkg/dist/index.js';
import { accuracyOf, costOf, FOREST, K_MEANS, LOGISTIC, NAMES, regression } from '../../workloads/training.js';

const SCHEMA = ['label', ...NAMES].map((name) => `${name} DOUBLE`).join(', ');

export const trainingOf = (session) => {
  /** Returns the DataFrame of labels and vectors, in a table `vectors`. */
  const load = async ({ points }, clock) => {
    const { spark } = session;
    const source = spark.readStream.push({ schema: SCHEMA, format: 'arrow' });
    const vectors = new ml.VectorAssembler({ inputCols: NAMES, outputCol: 'features' }).transform(source.df).select('label', 'features');
    const query = await vectors.writeStream.format('memory').queryName('vectors').outputMode('append').start();
    for (const block of points) await source.write(block, { transfer: true });
    await query.processAllAvailable();
    await query.stop();
    source.end();
    clock.lap('load');
    return spark.table('vectors');
  };

  const worth = async (model, vectors) => {
    const pairs = await model.transform(vectors).groupBy('label', 'prediction').count().collect();
    return accuracyOf(pairs);
  };

  return {
    async logistic(inputs, clock) {
      const vectors = await load(inputs, clock);
      const learner = { maxIter: LOGISTIC.steps, tol: 0, regParam: LOGISTIC.penalty, standardization: false };
      const model = await new ml.LogisticRegression(learner).fit(vectors);
      clock.lap('fit');
      return async () => {
        const [coefficients, intercept] = await Promise.all([model.coefficients(), model.intercept()]);
        return regression(coefficients.toArray(), intercept, await worth(model, vectors));
      };
    },

    async kmeans(inputs, clock) {
      const vectors = await load(inputs, clock);
      const { k, steps, seed } = K_MEANS;
      const model = await new ml.KMeans({ k, maxIter: steps, tol: 0, initMode: 'random', seed }).fit(vectors);
      clock.lap('fit');
      return async () => costOf(await ml.summaryOf(model).get('trainingCost'), await vectors.count());
    },

    async forest(inputs, clock) {
      const vectors = await load(inputs, clock);
      const { trees, depth, bins, seed } = FOREST;
      const model = await new ml.RandomForestClassifier({ numTrees: trees, maxDepth: depth, maxBins: bins, seed }).fit(vectors);
      clock.lap('fit');
      return () => worth(model, vectors);
    },
  };
};
