// W7: naive Bayes over words hashed into 2,000 features: 200,000 labelled tweets to learn from, 1,000,000 to score. Features are
// Spark's: murmur3 of a word's bytes; so are the smoothing and the priors. (By hand one could take FNV-1a: other features, as good, and
// half the work in JavaScript. But then answers could not be compared.)
import { random, word, zipf } from './random.js';

export const FEATURES = 2_000;
const VOCABULARY = 20_000;
const ROWS_PER_BATCH = 10_000;

/** Lines "label TAB words"; a quarter of the words lean to one label. */
const labelled = (name, rows, seed) => ({
  name,
  rows: (scale) => Math.round(rows * scale),
  *batches(scale) {
    const draw = random(seed);
    const frequent = zipf(VOCABULARY, draw);
    const words = Array.from({ length: VOCABULARY }, (_, k) => word(k));
    for (let left = this.rows(scale); left > 0; left -= ROWS_PER_BATCH) {
      const lines = Array.from({ length: Math.min(left, ROWS_PER_BATCH) }, () => {
        const label = draw(2);
        const text = Array.from({ length: 6 + draw(10) }, () => {
          const k = frequent();
          return words[draw(4) === 0 ? (k * 2 + label) % VOCABULARY : k];
        });
        return `${label}\t${text.join(' ')}\n`;
      });
      yield new TextEncoder().encode(lines.join(''));
    }
  },
});
const [training, scoring] = [labelled('labelled-training', 200_000, 10), labelled('labelled-scoring', 1_000_000, 11)];

const scrambled = (part) => {
  const k = Math.imul(part, 0xcc9e2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
};

/** Mixes four bytes of a word into its hash, which begins as HASH_START. */
export function mixed(hash, part) {
  const h = hash ^ scrambled(part);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}
export const HASH_START = 42;

/** Returns the feature of a word of `length` bytes; `rest` has those after the last four that were mixed. */
export function featureOf(hash, rest, length) {
  let h = hash ^ scrambled(rest) ^ length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  h = (h ^ (h >>> 16)) | 0;
  const feature = h % FEATURES;
  return feature < 0 ? feature + FEATURES : feature;
}

/** Returns the feature of a word in ASCII. */
export function hashed(text) {
  let [hash, part] = [HASH_START, 0];
  for (let i = 0; i < text.length; i++) {
    part |= text.charCodeAt(i) << (8 * (i & 3));
    if ((i & 3) === 3) [hash, part] = [mixed(hash, part), 0];
  }
  return featureOf(hash, part, text.length);
}

/** Calls `take(label, words)` for each line. */
export function eachTweet(batches, take) {
  const decoder = new TextDecoder();
  for (const bytes of batches) {
    for (const line of decoder.decode(bytes).split('\n')) {
      if (line === '') continue;
      const [label, text] = line.split('\t');
      take(Number(label), text.split(' '));
    }
  }
}

/** Returns, for each label, its prior and the logarithm of how likely it has each feature. */
export function model(documents, counts) {
  const total = documents[0] + documents[1];
  return counts.map((one, label) => {
    const words = one.reduce((sum, n) => sum + n, 0);
    return {
      prior: Math.log(documents[label] + 1) - Math.log(total + 2),
      likelihoods: Array.from(one, (n) => Math.log(n + 1) - Math.log(words + FEATURES)),
    };
  });
}

/** How often each label was predicted for which. */
export class Confusion {
  #cells = [0, 0, 0, 0];

  add(label, predicted, n = 1) {
    this.#cells[2 * label + predicted] += n;
  }

  columns() {
    return { label: [0, 0, 1, 1], predicted: [0, 1, 0, 1], n: this.#cells };
  }
}

function reference({ training, scoring }, clock) {
  const documents = [0, 0];
  const counts = [0, 1].map(() => new Array(FEATURES).fill(0));
  eachTweet(training, (label, words) => {
    documents[label] += 1;
    for (const one of words) counts[label][hashed(one)] += 1;
  });
  const labels = model(documents, counts);
  clock?.lap('train');
  const confusion = new Confusion();
  eachTweet(scoring, (label, words) => {
    const features = words.map(hashed);
    const [no, yes] = labels.map(({ prior, likelihoods }) => features.reduce((sum, f) => sum + likelihoods[f], prior));
    confusion.add(label, yes > no ? 1 : 0);
  });
  clock?.lap('score');
  return confusion.columns();
}

export const W7 = {
  title: 'naive Bayes',
  inputs: { training, scoring },
  rows: (scale) => training.rows(scale) + scoring.rows(scale),
  partRows: (scale) => ({ train: training.rows(scale), score: scoring.rows(scale) }),
  keys: ['label', 'predicted'],
  // Sums of logarithms in another order may turn single predictions.
  tolerance: 1e-4,
  reference,
};
