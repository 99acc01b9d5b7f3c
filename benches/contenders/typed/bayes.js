// W7: counts of features straight from bytes.
import { Confusion, FEATURES, featureOf, HASH_START, mixed, model } from '../../workloads/w7.js';

const [SPACE, NEWLINE, ZERO] = [32, 10, 48];

/** Calls `take(feature)` for each word of the line at `at`; returns where the next line begins. */
function words(bytes, at, take) {
  let [i, hash, part, length] = [at, HASH_START, 0, 0];
  for (; ; i++) {
    const byte = bytes[i];
    if (byte === SPACE || byte === NEWLINE) {
      take(featureOf(hash, part, length));
      if (byte === NEWLINE) return i + 1;
      hash = HASH_START;
      part = length = 0;
      continue;
    }
    part |= byte << (8 * (length & 3));
    length += 1;
    if ((length & 3) === 0) {
      hash = mixed(hash, part);
      part = 0;
    }
  }
}

export function W7({ training, scoring }, clock) {
  const counts = [new Float64Array(FEATURES), new Float64Array(FEATURES)];
  const documents = [0, 0];
  for (const bytes of training) {
    for (let at = 0; at < bytes.length; ) {
      const label = bytes[at] - ZERO;
      const own = counts[label];
      documents[label] += 1;
      at = words(bytes, at + 2, (feature) => {
        own[feature] += 1;
      });
    }
  }
  const [no, yes] = model(documents, counts);
  const lean = Float64Array.from(yes.likelihoods, (likelihood, feature) => likelihood - no.likelihoods[feature]);
  clock.lap('train');
  const confusion = new Confusion();
  for (const bytes of scoring) {
    for (let at = 0; at < bytes.length; ) {
      const label = bytes[at] - ZERO;
      let score = yes.prior - no.prior;
      at = words(bytes, at + 2, (feature) => {
        score += lean[feature];
      });
      confusion.add(label, score > 0 ? 1 : 0);
    }
  }
  clock.lap('score');
  return confusion.columns();
}
