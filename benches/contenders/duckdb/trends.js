// W1, W2: panes of five minutes kept in a table, ranked by SQL. Its reader of JSON is an extension that is fetched from its vendor at
// run time, so the built-in insert is used, which needs no network.
import { Float64, Utf8 } from 'apache-arrow';
import { Answers, completeEnd, SLIDE_MS, TOP, WINDOW_MS } from '../../workloads/trends.js';
import { columnsOf } from './engine.js';

/** Returns NDJSON as a JSON array, with commas in place of its line ends. */
function asArray(lines) {
  const bytes = new Uint8Array(lines.length + 1);
  bytes[0] = 91;
  bytes.set(lines, 1);
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) bytes[at] = 44;
  bytes[bytes.length - 1] = 93;
  return bytes;
}

async function top(engine, endMs) {
  const table = await engine.sql(`SELECT hashtag, sum(n)::DOUBLE AS n, sum(s) / sum(n) AS mean FROM panes
    WHERE pane >= ${endMs - WINDOW_MS} AND pane < ${endMs} GROUP BY hashtag ORDER BY n DESC, hashtag LIMIT ${TOP}`);
  await engine.sql(`DELETE FROM panes WHERE pane < ${endMs - SLIDE_MS}`);
  const { hashtag, n, mean } = columnsOf(table);
  return Array.from(hashtag, (name, i) => [name, n[i], mean[i]]);
}

/** Runs micro-batches: `load` makes the table `batch` of bytes; `rows` selects ms, hashtag, score from it, `time` is its event time. */
async function trends(engine, batches, load, rows, time) {
  const answers = new Answers();
  await engine.sql('CREATE OR REPLACE TABLE panes(pane BIGINT, hashtag VARCHAR, n BIGINT, s DOUBLE)');
  await engine.drop('batch');
  let maxMs = 0;
  for (const bytes of batches) {
    await load(bytes);
    await engine.sql(`INSERT INTO panes SELECT ms - ms % ${SLIDE_MS} AS pane, hashtag, count(*), sum(score) FROM (${rows}) GROUP BY ALL`);
    maxMs = Math.max(maxMs, await engine.number(`SELECT epoch_ms(max(${time}))::DOUBLE FROM batch`));
    await engine.drop('batch');
    answers.add(await top(engine, completeEnd(maxMs)));
  }
  return answers.columns;
}

export const trendsOf = (engine) => ({
  W1({ tweets }) {
    const columns = { createdAt: new Utf8(), text: new Utf8(), score: new Float64() };
    const load = async (lines) => {
      await engine.db.registerFileBuffer('batch.json', asArray(lines));
      await engine.connection.insertJSONFromPath('batch.json', { name: 'batch', create: true, shape: 'row-array', columns });
      await engine.db.dropFile('batch.json');
    };
    const words = `SELECT epoch_ms(createdAt::TIMESTAMP) AS ms, score, unnest(string_split(text, ' ')) AS hashtag FROM batch`;
    return trends(engine, tweets, load, `FROM (${words}) WHERE hashtag[1] = '#'`, 'createdAt::TIMESTAMP');
  },
  W2({ hashtags }) {
    return trends(
      engine,
      hashtags,
      (bytes) => engine.insert('batch', bytes),
      'SELECT epoch_ms(time) AS ms, hashtag, score FROM batch',
      'time',
    );
  },
});
