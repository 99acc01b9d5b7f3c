// W1, W2: interned hashtags, panes of typed arrays.
import { buffers, codedBuffers } from '../../workloads/arrow.js';
import { Answers, completeEnd, SLIDE_MS } from '../../workloads/trends.js';
import { HASH_START, hashed, hashOf, Interner } from './interner.js';
import { scan } from './ndjson.js';
import { Panes } from './panes.js';
import { halves, timeAt } from './times.js';

export function W1({ tweets }) {
  const answers = new Answers();
  const interner = new Interner();
  const panes = new Panes();
  let maxMs = 0;
  for (const bytes of tweets) {
    maxMs = scan(bytes, interner, panes, maxMs);
    answers.add(panes.top(completeEnd(maxMs), interner));
  }
  return answers.columns;
}

/** Adds a batch of rows; returns the largest event time. */
function addRows({ length, time, hashtag, score }, interner, panes, seenMs) {
  const times = halves(time.values);
  const { values, offsets, dictionary } = hashtag;
  const scores = score.values;
  const ids = dictionary && codes(dictionary, interner);
  let maxMs = seenMs;
  for (let i = 0; i < length; i++) {
    const ms = timeAt(times, i);
    if (ms > maxMs) maxMs = ms;
    let id;
    if (ids) id = ids[values[i]];
    else {
      const to = offsets[i + 1];
      let hash = HASH_START;
      for (let at = offsets[i]; at < to; at++) hash = hashed(hash, values[at]);
      id = interner.id(values, offsets[i], to, hash);
    }
    panes.of(Math.floor(ms / SLIDE_MS)).add(id, scores[i]);
  }
  return maxMs;
}

/** Returns the ids of a dictionary's values. */
const codes = ({ length, values, offsets }, interner) =>
  Int32Array.from({ length }, (_, i) => interner.id(values, offsets[i], offsets[i + 1], hashOf(values, offsets[i], offsets[i + 1])));

const overArrow =
  (read) =>
  ({ hashtags }) => {
    const answers = new Answers();
    const interner = new Interner();
    const panes = new Panes();
    let maxMs = 0;
    for (const bytes of hashtags) {
      for (const batch of read(bytes)) maxMs = addRows(batch, interner, panes, maxMs);
      answers.add(panes.top(completeEnd(maxMs), interner));
    }
    return answers.columns;
  };
export const W2 = overArrow(buffers);
export const W2d = overArrow(codedBuffers);
