// What `programs.js` answers where it runs: arithmetic.
const sum = (k) => Array.from({ length: 100 }, (_, id) => (id % 3 === k ? id : 0)).reduce((a, b) => a + b);

export const ANSWERS = {
  batch: [0, 1, 2].map(sum).join(' '),
  stream: 'a,41 b,2',
  dataset: 'a,1 b,3 c,2',
  state: 'x1 x3 y5',
};

/** Compares the answers of a page: null where all are right, else what is wrong. */
export function wrong(answers, expected = ANSWERS) {
  if (answers.start) return `start: ${answers.start}`;
  const faults = Object.entries(expected).filter(([name, right]) => answers[name] !== right);
  return faults.length === 0 ? null : faults.map(([name]) => `${name}: ${answers[name]}`).join('; ');
}
