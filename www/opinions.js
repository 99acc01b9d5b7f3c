/**
 * Tweets with an opinion: those of the generator, their words replaced by a review sentence unknown to a model. How
 * often the sentence is a good one follows the mood of the tweet's hashtag.
 */
import { TweetGenerator } from './tweets.js';

/** @typedef {{ text: string, label: number, source: string }} Sentence label 1 is good, 0 is bad */

/** Splits sentences in those to train on and every fifth, held out. @param {Sentence[]} sentences */
export function splitSentences(sentences) {
  return { training: sentences.filter((_, i) => i % 5 !== 0), heldOut: sentences.filter((_, i) => i % 5 === 0) };
}

/** The tweets, one after the other: the same sentences and seed give the same tweets. */
export class OpinionGenerator extends TweetGenerator {
  /** @param {Sentence[]} sentences @param {import('./tweets.js').TweetOptions} options */
  constructor(sentences, options) {
    super(options);
    this.byLabel = [0, 1].map((label) => sentences.filter((sentence) => sentence.label === label).map(({ text }) => text));
  }

  next() {
    const tweet = super.next();
    const sentences = this.byLabel[this.random() < tweet.score ? 1 : 0];
    const sentence = sentences[Math.floor(this.random() * sentences.length)];
    return { ...tweet, text: [sentence, ...tweet.text.split(' ').filter((word) => word.startsWith('#'))].join(' ') };
  }
}
