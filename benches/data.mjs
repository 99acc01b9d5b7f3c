// The bench's tweets: NDJSON in micro-batches, the same bytes on every machine. 50,000 hashtags by Zipf's law, some text with
// escapes and letters beyond ASCII, event time in order over 500 minutes.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE } from '../src/js/scripts/paths.mjs';

export const BATCHES = 100;
const TAGS = 50_000;
const SPAN_MS = 500 * 60_000;
const START_MS = Date.UTC(2024, 0, 1);
const SYLLABLES = ['ka', 'lo', 'mi', 'ra', 'ten', 'su', 'vo', 'ne', 'pi', 'do', 'zu', 'han', 'bri', 'tok', 'wel', 'gar'];
const WORDS = 'the a to and is in it you of for on my that at with me do have just this be so are not was but out up what now new'.split(
  ' ',
);
const SPECIAL = ['café', 'naïve', '😀', '日本', 'said "hi"', 'a\\b', 'tab\tx'];

function random(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** Draws numbers below `n`, the k-th with weight 1/(k+1). */
function zipf(n, draw) {
  const sums = new Float64Array(n);
  for (let k = 0, sum = 0; k < n; k++) sums[k] = sum += 1 / (k + 1);
  return () => {
    const at = (draw(2 ** 31) / 2 ** 31) * sums[n - 1];
    let [low, high] = [0, n - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

const tagName = (k) => {
  const mixed = Math.imul(k, 2_654_435_761) >>> 0;
  return `#${SYLLABLES[mixed & 15]}${SYLLABLES[(mixed >>> 4) & 15]}${k.toString(36)}`;
};

/** Writes the tweets if they are not there yet; returns the file and the byte offsets of its batches. */
export function benchData(tweets = 1_000_000) {
  const folder = join(CACHE, 'bench');
  const file = join(folder, `tweets-${tweets}.ndjson`);
  const index = `${file}.json`;
  if (existsSync(index)) return { file, ...JSON.parse(readFileSync(index, 'utf8')) };
  mkdirSync(folder, { recursive: true });
  const draw = random(1);
  const tag = zipf(TAGS, draw);
  const perBatch = tweets / BATCHES;
  const offsets = [0];
  const out = openSync(`${file}.part`, 'w');
  for (let batch = 0, id = 0; batch < BATCHES; batch++) {
    let text = '';
    for (let n = 0; n < perBatch; n++, id++) {
      const words = Array.from({ length: 5 + draw(7) }, () => WORDS[draw(WORDS.length)]);
      if (draw(20) === 0) words.push(SPECIAL[draw(SPECIAL.length)]);
      for (let tags = [0, 1, 1, 1, 1, 2, 2, 2, 3, 3][draw(10)]; tags > 0; tags--) words.splice(draw(words.length + 1), 0, tagName(tag()));
      const createdAt = new Date(START_MS + Math.floor((id * SPAN_MS) / tweets)).toISOString();
      text += `${JSON.stringify({ id, createdAt, lang: 'en', text: words.join(' '), score: draw(10_000) / 10_000 })}\n`;
    }
    const bytes = Buffer.from(text);
    writeSync(out, bytes);
    offsets.push(offsets[batch] + bytes.length);
  }
  closeSync(out);
  renameSync(`${file}.part`, file);
  writeFileSync(index, JSON.stringify({ tweets, offsets }));
  return { file, tweets, offsets };
}
