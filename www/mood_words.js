/** Words of mood, and how good they are. */
export const MOODS = new Map([
  ['love', 2],
  ['great', 2],
  ['bright', 1],
  ['new', 1],
  ['learn', 1],
  ['share', 1],
  ['quiet', 0.5],
  ['quick', -0.5],
  ['last', -1],
  ['under', -1],
  ['because', -0.5],
  ['almost', -1],
]);
