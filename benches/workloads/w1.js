// W1: trends over tweets that come as NDJSON.
import { random, word, zipf } from './random.js';
import { Answers, BATCHES, keys, Panes, SPAN_MS, START_MS, TAGS } from './trends.js';

const WORDS = (
  'the a to and is in it you of for on my that at with me do have just this be so are not was but out up what now new from your like ' +
  'good no get all about we if time day love know today see going back im want can really one off how work home got there think more'
).split(' ');
const SPECIAL = ['café', 'naïve', '😀', '日本', 'said "hi"', 'a\\b', 'tab\tx'];
const LANGUAGES = ['en', 'es', 'fr', 'de', 'ja', 'pt', 'it', 'nl'];
/** How many hashtags a tweet has: one of these. */
const COUNTS = [0, 1, 1, 1, 1, 2, 2, 2, 3, 3];

const tweets = {
  name: 'tweets',
  rows: (scale) => BATCHES * Math.round(10_000 * scale),
  *batches(scale) {
    const draw = random(1);
    const tag = zipf(TAGS, draw);
    const total = this.rows(scale);
    let lines = '';
    for (let id = 0; id < total; id++) {
      const words = Array.from({ length: 5 + draw(7) }, () => WORDS[draw(WORDS.length)]);
      if (draw(20) === 0) words.push(SPECIAL[draw(SPECIAL.length)]);
      for (let left = COUNTS[draw(COUNTS.length)]; left > 0; left--) words.splice(draw(words.length + 1), 0, `#${word(tag())}`);
      const createdAt = new Date(START_MS + Math.floor((id * SPAN_MS) / total)).toISOString();
      const [lang, score] = [LANGUAGES[draw(LANGUAGES.length)], draw(10_000) / 10_000];
      lines += `${JSON.stringify({ id: 1e15 + id, createdAt, lang, text: words.join(' '), score })}\n`;
      if ((id + 1) % (total / BATCHES) === 0) {
        yield new TextEncoder().encode(lines);
        lines = '';
      }
    }
  },
};

function reference({ tweets }) {
  const decoder = new TextDecoder();
  const answers = new Answers();
  const panes = new Panes();
  for (const bytes of tweets) {
    for (const line of decoder.decode(bytes).split('\n')) {
      if (line === '') continue;
      const { createdAt, text, score } = JSON.parse(line);
      const ms = Date.parse(createdAt);
      panes.see(ms);
      for (const one of text.split(' ')) if (one.startsWith('#')) panes.add(ms, one, score);
    }
    answers.add(panes.top());
  }
  return answers.columns;
}

export const W1 = { title: 'trends, NDJSON', inputs: { tweets }, rows: tweets.rows, keys, reference };
