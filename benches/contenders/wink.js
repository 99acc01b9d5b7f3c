// npm's wink-naive-bayes-text-classifier on the same hashed words.
import wink from 'wink-naive-bayes-text-classifier';
import { Confusion, eachTweet, hashed } from '../workloads/w7.js';

export default () => ({
  runs: {
    W7({ training, scoring }, clock) {
      const classifier = wink();
      classifier.definePrepTasks([(words) => words]);
      classifier.defineConfig({ considerOnlyPresence: false, smoothingFactor: 1 });
      const features = (words) => words.map((word) => `f${hashed(word)}`);
      eachTweet(training, (label, words) => classifier.learn(features(words), String(label)));
      classifier.consolidate();
      clock.lap('train');
      const confusion = new Confusion();
      eachTweet(scoring, (label, words) => confusion.add(label, Number(classifier.predict(features(words)))));
      clock.lap('score');
      return confusion.columns();
    },
  },
});
