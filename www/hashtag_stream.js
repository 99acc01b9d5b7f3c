// A discretized stream over tweets that this page makes: uses of each hashtag in the last ten seconds.
import { StreamingContext } from 'rivulet';
import { TweetGenerator } from './tweets.js';

export const BATCH_MS = 1_000;
const WINDOW_MS = 10_000;
const TICK_MS = 50;

/** Tweets, as many a second as `rate()` says at the time; `ended()` ends them. Timers may be slow: what is due comes later. */
export async function* generatedTweets(rate, ended, made = () => {}) {
  const generator = new TweetGenerator({ seed: 7 });
  let lastMs = performance.now();
  for (let due = 0; ; due %= 1) {
    await new Promise((go) => setTimeout(go, TICK_MS));
    const nowMs = performance.now();
    due += ((nowMs - lastMs) * rate()) / 1_000;
    lastMs = nowMs;
    for (let n = 1; n <= due; n++) {
      if (ended()) return;
      made();
      yield generator.next();
    }
    if (ended()) return;
  }
}

/** A running stream. */
export class HashtagStream {
  #ended = false;
  #folder;
  /** Tweets made so far. */
  made = 0;

  /** `show` gets the window's `[hashtag, uses][]` with every batch; `listener` is a StreamingListener. */
  constructor(sc, { rate, show, listener }) {
    this.ssc = new StreamingContext(sc, BATCH_MS);
    // Windows that are made of the one before keep state, and write it now and then.
    this.#folder = `hashtags-${crypto.randomUUID()}`;
    this.ssc.checkpoint(`opfs:${this.#folder}`);
    this.ssc.addStreamingListener(listener);
    this.ssc
      .fromAsyncIterable(
        generatedTweets(
          rate,
          () => this.#ended,
          () => {
            this.made += 1;
          },
        ),
      )
      .flatMap((tweet) => tweet.text.split(' ').filter((word) => word.startsWith('#')))
      .map((hashtag) => [hashtag, 1])
      .reduceByKeyAndWindow(
        (a, b) => a + b,
        (a, b) => a - b,
        WINDOW_MS,
        BATCH_MS,
        2,
        ([, uses]) => uses > 0,
      )
      .foreachRDD(async (rdd) => show(await rdd.collect()));
  }

  start() {
    this.ssc.start();
  }
  /** Settles when the stream has ended; throws what a batch failed with. */
  awaitTermination() {
    return this.ssc.awaitTermination();
  }
  /** Runs a last batch with what has come. */
  async stop() {
    this.#ended = true;
    await this.ssc.stop({ gracefully: true });
    const origin = await navigator.storage.getDirectory();
    await origin.removeEntry(this.#folder, { recursive: true }).catch(() => {});
  }
}
