/**
 * A made-up town: who follows whom. The same number of people is the same town each time. People belong to circles; a follower prefers
 * those of the own circle, and those who are followed already. The last circles keep to themselves.
 */

const FOLLOWED = 3;
const PER_CIRCLE = 24;
/** One circle of this number keeps to itself. */
const CLOSED_EVERY = 5;
const NAMES = [
  'Ada',
  'Bo',
  'Cleo',
  'Dora',
  'Emil',
  'Fay',
  'Gus',
  'Hana',
  'Ivo',
  'June',
  'Kai',
  'Lena',
  'Max',
  'Nora',
  'Otto',
  'Pia',
  'Quin',
  'Rosa',
  'Sami',
  'Tess',
];

/** Uniform numbers below 1, by a linear congruence. */
function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

/** The name of a person. */
export const nameOf = (id) => `${NAMES[id % NAMES.length]} ${Math.floor(id / NAMES.length) + 1}`;

/** Returns `{ circles, edges }`: the circle of each person, and pairs of follower and followed, each once. */
export function town(people) {
  const random = uniform(people);
  const count = Math.max(2, Math.round(people / PER_CIRCLE));
  const circles = Array.from({ length: people }, (_, id) => id % count);
  const isClosed = (circle) => circle % CLOSED_EVERY === CLOSED_EVERY - 1;
  /** By circle, those who may be followed: once for being there, and once for each follower. */
  const known = Array.from({ length: count }, () => []);
  const outside = [];
  const edges = [];
  for (let id = 0; id < people; id++) {
    const own = known[circles[id]];
    const followed = new Set();
    for (let tries = 0; tries < 3 * FOLLOWED && followed.size < FOLLOWED; tries++) {
      const from = outside.length > 0 && !isClosed(circles[id]) && random() < 0.08 ? outside : own;
      if (from.length > 0) followed.add(from[Math.floor(random() * from.length)]);
    }
    for (const other of followed) {
      edges.push([id, other]);
      known[circles[other]].push(other);
      // Some follow back.
      if (random() < 0.35) edges.push([other, id]);
    }
    own.push(id);
    if (!isClosed(circles[id])) outside.push(id);
  }
  return { circles, edges };
}
