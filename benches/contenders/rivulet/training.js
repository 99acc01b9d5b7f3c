// Training by the package's learners, from files of Arrow streams: the learner makes the vectors as it reads, and keeps them for its rounds.
// (A table of vectors in memory, as PySpark has a cache, took more of the driver's time, and about twice the memory of the page.)
import { ml } from '/pkg/dist/index.js';
import { accuracyOf, costOf, FOREST, K_MEANS, LOGISTIC, NAMES, regression } from '../../workloads/training.js';

const SCHEMA = ['label', ...NAMES].map((name) => `${name} DOUBLE`).join(', ');

export const trainingOf = (session) => {
  /** Returns the DataFrame of labels and vectors. */
  const load = ({ points }, clock) => {
    const files = points.map((block) => new Blob([block]));
    clock.start();
    const rows = session.spark.read
      .schema(SCHEMA)
      .format('arrow')
      .load(...files);
    const vectors = new ml.VectorAssembler({ inputCols: NAMES, outputCol: 'features' }).transform(rows).select('label', 'features');
    clock.lap('load');
    return vectors;
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
