/**
 * A deterministic stream of tweets: the same seed makes the same tweets in the page's worker, in the tweet server and in
 * the tests' model.
 *
 * Event time advances by a fixed step for each tweet. A quarter of the tweets come out of order, by less than
 * MAX_DISORDER_MS; a few come hopelessly late, by LATE_MS, long after any watermark that this page uses. Scores are
 * multiples of 1/64, so that their sums are exact whatever the order of addition.
 */

/** Largest disorder of a tweet that is not late. */
export const MAX_DISORDER_MS = 90_000;
/** How much a late tweet is late. */
export const LATE_MS = 3 * 3_600_000;
/** The schema of the tweets, as DDL. */
export const TWEET_SCHEMA = 'id BIGINT, user STRING, text STRING, createdAt TIMESTAMP, score DOUBLE';

const TAGS = [
  '#rust',
  '#wasm',
  '#spark',
  '#streaming',
  '#opensource',
  '#javascript',
  '#typescript',
  '#dataviz',
  '#sql',
  '#arrow',
  '#webworkers',
  '#climate',
  '#football',
  '#eurovision',
  '#marathon',
  '#jazz',
  '#coffee',
  '#chess',
  '#space',
  '#aurora',
  '#election',
  '#cinema',
  '#gardening',
  '#running',
  '#photography',
  '#travel',
  '#books',
  '#science',
  '#maps',
  '#astronomy',
  '#trains',
  '#bicycles',
];
const WORDS = (
  'the a this that our new great small quick quiet bright every another first last look read watch build ship try learn share love ' +
  'morning evening weekend week day city river forest window table garden story paper talk release update question answer idea ' +
  'with for from about after before under over into and but so because while today again finally almost really'
).split(' ');
const USERS = ['ada', 'grace', 'edsger', 'barbara', 'donald', 'margaret', 'alan', 'katherine', 'tim', 'radia', 'leslie', 'frances'];

/** Returns uniform numbers below 1, of 32 bits (mulberry32). */
export function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * @typedef {object} TweetOptions
 * @property {number} [seed]
 * @property {number} [startMs] event time of the first tweet, epoch milliseconds
 * @property {number} [stepMs] event time between two tweets
 * @property {number} [lateFrom] number of the first tweet that may be late
 * @property {number} [lateEvery] one in this many tweets is late from there on
 */

/** The tweets, one after the other. */
export class TweetGenerator {
  /** @param {TweetOptions} options */
  constructor({ seed = 42, startMs = Date.UTC(2026, 0, 1, 9), stepMs = 300, lateFrom = 2_000, lateEvery = 150 } = {}) {
    this.random = uniform(seed);
    this.startMs = startMs;
    this.stepMs = stepMs;
    this.lateFrom = lateFrom;
    this.lateEvery = lateEvery;
    this.index = 0;
    /** Each tag has a popularity of its own and a wave of interest that comes and goes. */
    this.tags = TAGS.map((tag, rank) => ({
      tag,
      base: 1 / (rank + 8),
      periodMs: (20 + 50 * this.random()) * 60_000,
      phase: this.random(),
      strength: 1 + 4 * this.random(),
      mood: this.random() * 0.6 + 0.2,
    }));
    this.weights = new Float64Array(TAGS.length);
    this.weighedMs = -Infinity;
  }

  /** @returns {{id: number, user: string, text: string, createdAt: string, score: number, lang: string}} */
  next() {
    const id = this.index++;
    const clockMs = this.startMs + id * this.stepMs;
    const late = id >= this.lateFrom && this.random() < 1 / this.lateEvery;
    const disorderMs = this.random() < 0.25 ? Math.floor(this.random() * MAX_DISORDER_MS) : 0;
    const words = Array.from({ length: 3 + Math.floor(this.random() * 5) }, () => WORDS[Math.floor(this.random() * WORDS.length)]);
    let mood = 0.5;
    for (let tags = 1 + Math.floor(this.random() * 2.2); tags > 0; tags--) {
      const picked = this.#pick(clockMs);
      mood = picked.mood;
      words.splice(Math.floor(this.random() * (words.length + 1)), 0, picked.tag);
    }
    const score = Math.min(64, Math.max(0, Math.round(64 * (mood + (this.random() - 0.5) * 0.5)))) / 64;
    return {
      id,
      user: USERS[Math.floor(this.random() * USERS.length)],
      text: words.join(' '),
      createdAt: new Date(clockMs - disorderMs - (late ? LATE_MS : 0)).toISOString(),
      score,
      lang: id % 5 === 4 ? 'de' : 'en',
    };
  }

  /** The next `count` tweets, one JSON object per line. */
  lines(count) {
    let text = '';
    for (let n = 0; n < count; n++) text += `${JSON.stringify(this.next())}\n`;
    return text;
  }

  /** A tag, by today's interest. */
  #pick(clockMs) {
    if (clockMs - this.weighedMs > 10_000) this.#weigh(clockMs);
    let at = this.random() * this.total;
    for (let n = 0; n < this.weights.length; n++) {
      at -= this.weights[n];
      if (at < 0) return this.tags[n];
    }
    return this.tags[0];
  }

  #weigh(clockMs) {
    this.weighedMs = clockMs;
    this.total = 0;
    this.tags.forEach(({ base, periodMs, phase, strength }, n) => {
      const wave = Math.max(0, Math.sin(2 * Math.PI * (clockMs / periodMs + phase)));
      this.weights[n] = base * (0.4 + strength * wave ** 4);
      this.total += this.weights[n];
    });
  }
}
