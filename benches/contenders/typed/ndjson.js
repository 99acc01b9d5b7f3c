// A scanner of tweets in NDJSON: members may come in any order; a text with escapes is left to JSON.parse.
import { SLIDE_MS } from '../../workloads/trends.js';
import { HASH_START, hashed } from './interner.js';

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const [QUOTE, BACKSLASH, COMMA, CLOSE, NEWLINE, SPACE, HASH, DOT] = [34, 92, 44, 125, 10, 32, 35, 46];

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
export function scan(bytes, interner, panes, seenMs) {
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
      let hash = HASH_START;
      for (; at < to && bytes[at] !== SPACE; at++) hash = hashed(hash, bytes[at]);
      pane.add(interner.id(bytes, start, at, hash), score);
    } else while (at < to && bytes[at] !== SPACE) at++;
  }
}
