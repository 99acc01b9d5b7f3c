// npm's ml-logistic-regression, ml-kmeans and ml-random-forest (mljs), from the first rows of the data: `most` of them by workload, since
// with all of them a run would take minutes, or need more memory than there is. The table counts rows by second.
import { kmeans } from 'ml-kmeans';
import LogisticRegression from 'ml-logistic-regression';
import { Matrix } from 'ml-matrix';
import { RandomForestClassifier } from 'ml-random-forest';
import { accuracy, costOf, FEATURES, FOREST, K_MEANS, LOGISTIC, rowsOf, starts } from '../workloads/training.js';

/** How far down the gradient of the summed loss a step goes, by the number of rows: further, and it would swing. */
const RATE = 2;

export default (most) => ({
  runs: {
    // It goes down the gradient, a pass over the rows per step and class, and knows neither penalty nor intercept; L-BFGS makes a pass
    // per step, too, and gets further with it.
    logistic(inputs, clock) {
      const { rows, labels } = rowsOf(inputs, most.logistic);
      const [x, y] = [new Matrix(rows), Matrix.columnVector(labels)];
      clock.lap('load');
      const model = new LogisticRegression({ numSteps: LOGISTIC.steps, learningRate: RATE / rows.length });
      model.train(x, y);
      clock.lap('fit');
      return () => {
        const predictions = model.predict(x);
        return accuracy(labels, (row) => predictions[row]);
      };
    },

    kmeans(inputs, clock) {
      const { rows } = rowsOf(inputs, most.kmeans);
      clock.lap('load');
      const initialization = starts(rows.length).map((row) => rows[row]);
      const found = kmeans(rows, K_MEANS.k, { initialization, maxIterations: K_MEANS.steps, tolerance: 0 });
      clock.lap('fit');
      // What it calls an error is the mean squared distance of each cluster's rows.
      return () =>
        costOf(
          found.computeInformation(rows).reduce((sum, { error, size }) => sum + (size > 0 ? error * size : 0), 0),
          rows.length,
        );
    },

    // It tries a decision between any two rows of other labels, which takes the square of the rows, has no bins, and draws features by
    // tree instead of by node.
    forest(inputs, clock) {
      const { rows, labels } = rowsOf(inputs, most.forest);
      clock.lap('load');
      const forest = new RandomForestClassifier({
        seed: FOREST.seed,
        nEstimators: FOREST.trees,
        maxFeatures: Math.ceil(Math.sqrt(FEATURES)),
        replacement: false,
        noOOB: true,
        treeOptions: { maxDepth: FOREST.depth, gainFunction: 'gini', splitFunction: 'mean', minNumSamples: 1 },
      });
      forest.train(rows, labels);
      clock.lap('fit');
      return () => {
        const predictions = forest.predict(rows);
        return accuracy(labels, (row) => predictions[row]);
      };
    },
  },
});
