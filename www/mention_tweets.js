/**
 * Tweets of a made-up crowd that mentions each other: the same seed makes the same tweets in the page and in the tests' model.
 *
 * Accounts belong to circles, and mostly mention others of their own, those most who are talked about at the time. Circles drift: now and
 * then an account goes over to another one. Words, hashtags, disorder and late tweets are those of TweetGenerator.
 */
import { TweetGenerator, uniform } from './tweets.js';

const NAMES = (
  'ada bo cleo dora emil fay gus hana ivo june kai lena max nora otto pia quin rosa sami tess uma vera wim xena yara zoe anni boris ' +
  'carla dario elsa finn greta hugo ida jonas kira leo mila nils olga pavel rita sven tilda ugo viola walt xavi yuri'
).split(' ');
const CIRCLES = 5;
/** Event time after which an account goes over to another circle. */
const DRIFT_MS = 90_000;
/** Event time after which it is asked anew who is talked about. */
const WEIGH_MS = 10_000;
/** How many mentions a tweet has: none, one, or two. */
const NONE = 0.2;
const TWO = 0.75;
/** How often somebody of another circle is mentioned. */
const OUTSIDE = 0.06;

/** The tweets, one after the other. */
export class MentionTweets {
  #tweets;
  #random;
  #accounts;
  #circles;
  #driftMs;
  #weighedMs = -Infinity;

  /** Takes the options of TweetGenerator. */
  constructor(options = {}) {
    this.#tweets = new TweetGenerator(options);
    this.#random = uniform((options.seed ?? 42) ^ 0x5eed);
    this.#accounts = NAMES.map((name, i) => ({
      name,
      circle: i % CIRCLES,
      base: 1 / (Math.floor(i / CIRCLES) + 2),
      periodMs: (10 + 30 * this.#random()) * 60_000,
      phase: this.#random(),
      weight: 0,
    }));
    this.#circles = this.#members();
    this.#driftMs = this.nowMs + DRIFT_MS;
  }

  /** Event time of the next tweet, if it is in order; ms since the epoch. */
  get nowMs() {
    const { startMs, index, stepMs } = this.#tweets;
    return startMs + index * stepMs;
  }

  /** Sets the event time between two tweets, from now on; ms. */
  set stepMs(stepMs) {
    const { nowMs } = this;
    this.#tweets.stepMs = stepMs;
    this.#tweets.startMs = nowMs - this.#tweets.index * stepMs;
  }

  /** Returns the next tweet. */
  next() {
    const { nowMs } = this;
    this.#drift(nowMs);
    this.#weigh(nowMs);
    const author = this.#accounts[Math.floor(this.#random() * this.#accounts.length)];
    const chance = this.#random();
    const mentioned = new Set();
    for (let left = chance < NONE ? 0 : chance < TWO ? 1 : 2; left > 0; left--) {
      const from = this.#random() < OUTSIDE ? this.#accounts : this.#circles[author.circle];
      const picked = this.#pick(from);
      if (picked !== author) mentioned.add(picked.name);
    }
    const tweet = this.#tweets.next();
    const words = tweet.text.split(' ');
    for (const name of mentioned) words.splice(Math.floor(this.#random() * (words.length + 1)), 0, `@${name}`);
    return { ...tweet, user: author.name, text: words.join(' ') };
  }

  #members() {
    return Array.from({ length: CIRCLES }, (_, circle) => this.#accounts.filter((account) => account.circle === circle));
  }

  /** Accounts go over to other circles. */
  #drift(nowMs) {
    for (; this.#driftMs <= nowMs; this.#driftMs += DRIFT_MS) {
      const account = this.#accounts[Math.floor(this.#random() * this.#accounts.length)];
      const circle = Math.floor(this.#random() * CIRCLES);
      // A circle does not die out.
      if (this.#circles[account.circle].length > 3) account.circle = circle;
      this.#circles = this.#members();
    }
  }

  /** Interest in an account comes and goes. */
  #weigh(nowMs) {
    if (nowMs - this.#weighedMs < WEIGH_MS) return;
    this.#weighedMs = nowMs;
    for (const account of this.#accounts) {
      const wave = Math.max(0, Math.sin(2 * Math.PI * (nowMs / account.periodMs + account.phase)));
      account.weight = account.base * (0.15 + 3 * wave ** 4);
    }
  }

  /** One of these accounts, by the interest in them. */
  #pick(from) {
    let at = this.#random() * from.reduce((sum, { weight }) => sum + weight, 0);
    for (const account of from) {
      at -= account.weight;
      if (at < 0) return account;
    }
    return from[0];
  }
}
