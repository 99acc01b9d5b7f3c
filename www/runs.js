// Programs that give the page something to look at.
import { TweetGenerator } from './tweets.js';

const SENTENCES = 40_000;
const USERS = 4_000;
const VISITS = 40_000;
const COUNTRIES = ['Austria', 'Brazil', 'Canada', 'Denmark', 'Estonia', 'France', 'Ghana', 'Hungary'];

/** The words of generated sentences, most frequent first: `[word, count][]`. */
export async function wordCount(sc, seed) {
  const generator = new TweetGenerator({ seed });
  const sentences = Array.from({ length: SENTENCES }, () => generator.next().text);
  return sc
    .parallelize(sentences, 8)
    .flatMap((sentence) => sentence.split(' '))
    .map((word) => [word, 1])
    .reduceByKey((a, b) => a + b, 4)
    .sortBy(([, n]) => n, false, 4)
    .collect();
}

/** Users and their visits, both kept, and joined: minutes by country. What an earlier run kept is freed. */
export class Join {
  #kept = [];

  async run(sc) {
    for (const rdd of this.#kept.splice(0)) rdd.unpersist();
    const users = sc
      .range(0, USERS, 1, 4)
      .map((id, { COUNTRIES }) => [id, COUNTRIES[id % COUNTRIES.length]], { COUNTRIES })
      .cache();
    const visits = sc
      .range(0, VISITS, 1, 4)
      .map((n, { USERS }) => [(n * 7_919) % USERS, 1 + (n % 30)], { USERS })
      .cache();
    this.#kept.push(users, visits);
    const joined = users.join(visits, 4);
    await joined.count();
    return joined
      .map(([, [country, minutes]]) => [country, minutes])
      .reduceByKey((a, b) => a + b)
      .sortBy(([, minutes]) => minutes, false)
      .collect();
  }
}
