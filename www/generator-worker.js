// The embedded tweet source: makes tweets at a rate, but never more than the engine has room for.
import { TweetGenerator } from './tweets.js';

const TICK_MS = 100;
let generator;
let ratePerSecond = 0;
let owed = 0;
let lastMs = 0;
let waiting = false;
let timer;

function tick() {
  const nowMs = performance.now();
  owed = Math.min(owed + ((nowMs - lastMs) / 1_000) * ratePerSecond, ratePerSecond);
  lastMs = nowMs;
  const count = Math.floor(owed);
  if (waiting || count === 0) return;
  owed -= count;
  waiting = true;
  const bytes = new TextEncoder().encode(generator.lines(count));
  postMessage({ bytes, count }, [bytes.buffer]);
}

self.onmessage = ({ data }) => {
  if (data.start) {
    generator = new TweetGenerator(data.start);
    lastMs = performance.now();
    clearInterval(timer);
    timer = setInterval(tick, TICK_MS);
  }
  if (data.rate !== undefined) ratePerSecond = data.rate;
  if (data.written) waiting = false;
};
