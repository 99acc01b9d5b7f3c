// W2, W2d: trends over hashtags that come as Arrow streams, as strings (W2) or with a dictionary per stream (W2d).
import { arrays, stream } from './arrow.js';
import { random, word, zipf } from './random.js';
import { Answers, BATCHES, keys, Panes, SPAN_MS, START_MS, TAGS } from './trends.js';

/** The same rows with their hashtags as column type `type` of arrow.js. */
const hashtags = (name, type) => ({
  name,
  rows: (scale) => BATCHES * Math.round(50_000 * scale),
  *batches(scale) {
    const draw = random(2);
    const tag = zipf(TAGS, draw);
    const names = Array.from({ length: TAGS }, (_, k) => `#${word(k)}`);
    const total = this.rows(scale);
    const length = total / BATCHES;
    for (let batch = 0; batch < BATCHES; batch++) {
      const time = Float64Array.from({ length }, (_, i) => START_MS + Math.floor(((batch * length + i) * SPAN_MS) / total));
      const hashtag = Array.from({ length }, () => names[tag()]);
      const score = Float64Array.from({ length }, () => draw(10_000) / 10_000);
      yield stream({ time: ['time', time], hashtag: [type, hashtag], score: ['double', score] });
    }
  },
});

function reference({ hashtags }) {
  const answers = new Answers();
  const panes = new Panes();
  for (const bytes of hashtags) {
    const { length, time, hashtag, score } = arrays(bytes, ['time', 'hashtag', 'score']);
    for (let i = 0; i < length; i++) panes.add(time[i], hashtag[i], score[i]);
    answers.add(panes.top());
  }
  return answers.columns;
}

const trends = (title, hashtags) => ({ title, inputs: { hashtags }, rows: hashtags.rows, keys, reference });
export const W2 = trends('trends, Arrow', hashtags('hashtags', 'text'));
export const W2d = trends('trends, Arrow with dictionaries', hashtags('hashtags-coded', 'code'));
