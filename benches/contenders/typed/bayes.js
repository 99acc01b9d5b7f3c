// W7: features straight from bytes, counted in typed arrays.
import { Confusion, FEATURES, featureOf, HASH_START, mixed, model } from '../../workloads/w7.js';

const [SPACE, NEWLINE, ZERO] = [32, 10, 48];

/** Reads lines: `labels[k]` and the features of line k, which end at `ends[k]`. */
class Lines {
  labels = new Uint8Array(0);
  ends = new Int32Array(0);
  features = new Int32Array(0);

  /** Returns the number of lines in `bytes`. */
  read(bytes) {
    if (this.features.length < bytes.length >> 1) this.#grow(bytes.length);
    const { labels, ends, features } = this;
    let [lines, words, at] = [0, 0, 0];
    while (at < bytes.length) {
      labels[lines] = bytes[at] - ZERO;
      at += 2;
      let byte = 0;
      while (byte !== NEWLINE) {
        let hash = HASH_START;
        let part = 0;
        let length = 0;
        // Four bytes at a time; letters and digits are above the space and the end of the line.
        for (;;) {
          byte = bytes[at++];
          if (byte <= SPACE) break;
          part = byte;
          length++;
          byte = bytes[at++];
          if (byte <= SPACE) break;
          part |= byte << 8;
          length++;
          byte = bytes[at++];
          if (byte <= SPACE) break;
          part |= byte << 16;
          length++;
          byte = bytes[at++];
          if (byte <= SPACE) break;
          hash = mixed(hash, part | (byte << 24));
          part = 0;
          length++;
        }
        features[words++] = featureOf(hash, part, length);
      }
      ends[lines++] = words;
    }
    return lines;
  }

  /** Makes room for the shortest lines and words. */
  #grow(bytes) {
    this.labels = new Uint8Array(bytes >> 2);
    this.ends = new Int32Array(bytes >> 2);
    this.features = new Int32Array(bytes >> 1);
  }
}

export function W7({ training, scoring }, clock) {
  const lines = new Lines();
  const counts = [new Float64Array(FEATURES), new Float64Array(FEATURES)];
  const documents = [0, 0];
  for (const bytes of training) {
    const count = lines.read(bytes);
    const { labels, ends, features } = lines;
    for (let line = 0, word = 0; line < count; line++) {
      const own = counts[labels[line]];
      documents[labels[line]] += 1;
      for (; word < ends[line]; word++) own[features[word]] += 1;
    }
  }
  const [no, yes] = model(documents, counts);
  const lean = Float64Array.from(yes.likelihoods, (likelihood, feature) => likelihood - no.likelihoods[feature]);
  clock.lap('train');
  const confusion = new Confusion();
  for (const bytes of scoring) {
    const count = lines.read(bytes);
    const { labels, ends, features } = lines;
    for (let line = 0, word = 0; line < count; line++) {
      let score = yes.prior - no.prior;
      for (; word < ends[line]; word++) score += lean[features[word]];
      confusion.add(labels[line], score > 0 ? 1 : 0);
    }
  }
  clock.lap('score');
  return confusion.columns();
}
