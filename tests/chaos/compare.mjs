// What a sink holds, beside what the model says.
import { inSeconds } from './events.mjs';
import { PIPELINES } from './pipelines.js';

const SHOWN = 5;

/** How many there are of each. */
function tally(lines) {
  const counts = new Map();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}

/** What a result in update mode comes to: the last row of each key; a count that does not grow is noted. */
function lastRows(batches, by, failures) {
  const rows = new Map();
  for (const { batch, rows: lines } of batches) {
    const seen = new Set();
    for (const line of lines) {
      const row = JSON.parse(line);
      const key = JSON.stringify(row.slice(0, by));
      const before = rows.get(key);
      if (seen.has(key)) failures.push(`batch ${batch} has ${key} twice`);
      if (before && JSON.parse(before)[by] >= row[by]) failures.push(`batch ${batch} has ${line} after ${before}`);
      seen.add(key);
      rows.set(key, line);
    }
  }
  return [...rows.values()];
}

function outcome(batches, { mode, by }, failures) {
  if (mode === 'update') return lastRows(batches, by, failures);
  if (mode === 'complete') return batches.at(-1)?.rows ?? [];
  return batches.flatMap(({ rows }) => rows);
}

/** Rows that are lost or there too often, with the batches that they are in. */
export function differences({ pipeline, params }, servers, batches) {
  const failures = [];
  const streams = servers.map(({ events }) => inSeconds(events));
  const model = PIPELINES[pipeline];
  const expected = tally(model.expected(streams, params).map((row) => JSON.stringify(row)));
  const found = tally(outcome(batches, model, failures));
  const lost = [...expected].filter(([line, count]) => (found.get(line) ?? 0) < count).map(([line]) => line);
  const doubled = [...found].filter(([line, count]) => (expected.get(line) ?? 0) < count).map(([line]) => line);
  const where = (line) => batches.filter(({ rows }) => rows.includes(line)).map(({ batch }) => batch);
  if (lost.length > 0) failures.push(`${lost.length} rows are lost: ${lost.slice(0, SHOWN).join(' ')}`);
  if (doubled.length > 0) {
    const shown = doubled.slice(0, SHOWN).map((line) => `${line} (in batches ${where(line).join(', ')})`);
    failures.push(`${doubled.length} rows are there that the model does not have, or too often: ${shown.join(' ')}`);
  }
  return { lost: lost.length, doubled: doubled.length, failures, rows: found.size };
}
