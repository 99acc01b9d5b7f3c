// Hand-written JavaScript: a byte scanner for NDJSON, interned hashtags, panes of typed arrays. What an expert would write
// for this one query, and nothing else.
import { Answers, byRank, completeEnd, SLIDE_MS, TOP, WINDOW_MS } from './answer.js';

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const [QUOTE, BACKSLASH, COMMA, CLOSE, NEWLINE, SPACE, HASH, DOT] = [34, 92, 44, 125, 10, 32, 35, 46];

/** Byte strings to dense numbers. */
class Interner {
  constructor() {
    this.slots = new Int32Array(1 << 18).fill(-1);
    this.hashes = new Int32Array(1 << 17);
    this.starts = new Int32Array((1 << 17) + 1);
    this.bytes = new Uint8Array(1 << 21);
    this.size = 0;
    this.names = [];
  }

  id(source, from, to, hash) {
    const mask = this.slots.length - 1;
    const length = to - from;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (let id; (id = this.slots[slot]) >= 0; slot = (slot + 1) & mask) {
      if (this.hashes[id] !== hash || this.starts[id + 1] - this.starts[id] !== length) continue;
      const start = this.starts[id];
      let at = 0;
      while (at < length && this.bytes[start + at] === source[from + at]) at++;
      if (at === length) return id;
    }
    const id = this.size++;
    this.slots[slot] = id;
    this.hashes[id] = hash;
    this.bytes.set(source.subarray(from, to), this.starts[id]);
    this.starts[id + 1] = this.starts[id] + length;
    return id;
  }

  name(id) {
    return (this.names[id] ??= decoder.decode(this.bytes.subarray(this.starts[id], this.starts[id + 1])));
  }
}

/** Counts and sums by hashtag for one slide; a window is two of them. */
class Pane {
  constructor() {
    this.number = -1;
    this.counts = new Int32Array(1 << 17);
    this.sums = new Float64Array(1 << 17);
    this.touched = new Int32Array(1 << 17);
    this.size = 0;
  }

  reset(number) {
    for (let n = 0; n < this.size; n++) this.counts[this.touched[n]] = this.sums[this.touched[n]] = 0;
    this.size = 0;
    this.number = number;
  }

  add(id, score) {
    if (this.counts[id]++ === 0) this.touched[this.size++] = id;
    this.sums[id] += score;
  }
}

class Panes {
  constructor() {
    this.ring = Array.from({ length: 4 }, () => new Pane());
  }

  of(number) {
    const pane = this.ring[number & 3];
    if (pane.number !== number) pane.reset(number);
    return pane;
  }

  top(endMs, interner) {
    const last = endMs / SLIDE_MS - 1;
    const panes = [last - WINDOW_MS / SLIDE_MS + 1, last]
      .map((number) => this.ring[number & 3])
      .filter((pane, n) => pane.number === last - 1 + n);
    const best = [];
    panes.forEach((pane, n) => {
      const other = panes[1 - n];
      for (let k = 0; k < pane.size; k++) {
        const id = pane.touched[k];
        if (n === 1 && other?.counts[id]) continue;
        const count = pane.counts[id] + (other?.counts[id] ?? 0);
        if (best.length === TOP && count < best[TOP - 1][1]) continue;
        const row = [interner.name(id), count, (pane.sums[id] + (other?.sums[id] ?? 0)) / count];
        let at = best.length;
        while (at > 0 && byRank(row, best[at - 1]) < 0) at--;
        best.splice(at, 0, row);
        if (best.length > TOP) best.pop();
      }
    });
    return best;
  }
}

let day = '';
let dayMs = 0;

/** Milliseconds of `YYYY-MM-DDTHH:MM:SS.mmmZ` at `at`. */
function timeMs(bytes, at) {
  const two = (n) => (bytes[at + n] - 48) * 10 + bytes[at + n + 1] - 48;
  const date = two(0) * 1_000_000 + two(2) * 10_000 + two(5) * 100 + two(8);
  if (date !== day) {
    day = date;
    dayMs = Date.UTC(two(0) * 100 + two(2), two(5) - 1, two(8));
  }
  return dayMs + two(11) * 3_600_000 + two(14) * 60_000 + two(17) * 1_000 + (bytes[at + 20] - 48) * 100 + two(21);
}

const POWERS = Float64Array.from({ length: 16 }, (_, n) => 10 ** n);

function decimal(bytes, from, to) {
  let digits = 0;
  let dot = to - 1;
  for (let at = from; at < to; at++) {
    if (bytes[at] === DOT) dot = at;
    else if (bytes[at] >= 48 && bytes[at] <= 57) digits = digits * 10 + bytes[at] - 48;
    else return Number(decoder.decode(bytes.subarray(from, to)));
  }
  return digits / POWERS[to - dot - 1];
}

/** Adds the tweets of `bytes`; returns the largest event time. Members may come in any order. */
function scan(bytes, interner, panes, seenMs) {
  let maxMs = seenMs;
  for (let at = 0; at < bytes.length; at++) {
    const line = at;
    let [ms, textFrom, textTo, scoreFrom, scoreTo, escaped] = [0, 0, 0, 0, 0, false];
    do {
      const key = at + 2;
      at = key;
      while (bytes[at] !== QUOTE) at++;
      const length = at - key;
      at += 2;
      const from = at;
      if (bytes[at] === QUOTE) {
        let backslash = false;
        for (at++; bytes[at] !== QUOTE; at++) {
          if (bytes[at] === BACKSLASH) {
            backslash = true;
            at++;
          }
        }
        if (length === 9) ms = timeMs(bytes, from + 1);
        else if (length === 4 && bytes[key] === 116) [textFrom, textTo, escaped] = [from + 1, at, backslash];
        at++;
      } else {
        while (bytes[at] !== COMMA && bytes[at] !== CLOSE) at++;
        if (length === 5) [scoreFrom, scoreTo] = [from, at];
      }
    } while (bytes[at] !== CLOSE);
    while (bytes[at] !== NEWLINE) at++;
    const score = decimal(bytes, scoreFrom, scoreTo);
    const pane = panes.of(Math.floor(ms / SLIDE_MS));
    if (ms > maxMs) maxMs = ms;
    if (escaped) {
      const text = encoder.encode(JSON.parse(decoder.decode(bytes.subarray(line, at))).text);
      words(text, 0, text.length, interner, pane, score);
    } else words(bytes, textFrom, textTo, interner, pane, score);
  }
  return maxMs;
}

function words(bytes, from, to, interner, pane, score) {
  for (let at = from; at < to; at++) {
    if (bytes[at] === HASH) {
      const start = at;
      let hash = 0x811c9dc5;
      for (; at < to && bytes[at] !== SPACE; at++) hash = Math.imul(hash ^ bytes[at], 16_777_619);
      pane.add(interner.id(bytes, start, at, hash), score);
    } else while (at < to && bytes[at] !== SPACE) at++;
  }
}

export default {
  name: 'JavaScript, typed arrays',
  async start() {},
  async run(batches) {
    const answers = new Answers();
    const interner = new Interner();
    const panes = new Panes();
    let maxMs = 0;
    for (const bytes of batches) {
      maxMs = scan(bytes, interner, panes, maxMs);
      answers.add(panes.top(completeEnd(maxMs), interner));
    }
    return answers;
  },
  async stop() {},
};
