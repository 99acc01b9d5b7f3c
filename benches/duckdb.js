// duckdb-wasm, single thread (`eh`): panes of five minutes kept in a table, ranked by SQL. Its JSON reader is an extension
// that is fetched from its vendor at run time, so the built-in JSON insert is used, which needs no network.
import * as duckdb from '@duckdb/duckdb-wasm';
import { Float64, Utf8 } from 'apache-arrow';
import { Answers, completeEnd, SLIDE_MS, TOP, WINDOW_MS } from './answer.js';

const DIST = '/npm/@duckdb/duckdb-wasm/dist/';
let worker;
let db;
let connection;
const sql = (text) => connection.query(text);

/** NDJSON as a JSON array, in place of its line ends. */
function asArray(lines) {
  const bytes = new Uint8Array(lines.length + 1);
  bytes[0] = 91;
  bytes.set(lines, 1);
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) bytes[at] = 44;
  bytes[bytes.length - 1] = 93;
  return bytes;
}

async function insert(lines) {
  await db.registerFileBuffer('batch.json', asArray(lines));
  await sql('DROP TABLE IF EXISTS batch');
  const columns = { createdAt: new Utf8(), text: new Utf8(), score: new Float64() };
  await connection.insertJSONFromPath('batch.json', { name: 'batch', create: true, shape: 'row-array', columns });
  await db.dropFile('batch.json');
  await sql(`INSERT INTO panes
    SELECT ms - ms % ${SLIDE_MS}, hashtag, count(*), sum(score)
    FROM (SELECT epoch_ms(createdAt::TIMESTAMP) AS ms, score, unnest(string_split(text, ' ')) AS hashtag FROM batch)
    WHERE hashtag[1] = '#' GROUP BY ALL`);
  return Number((await sql('SELECT max(epoch_ms(createdAt::TIMESTAMP))::DOUBLE AS ms FROM batch')).get(0).ms);
}

async function top(endMs) {
  const table = await sql(`SELECT hashtag, sum(n)::DOUBLE AS n, sum(s) / sum(n) AS score FROM panes
    WHERE pane >= ${endMs - WINDOW_MS} AND pane < ${endMs} GROUP BY hashtag ORDER BY n DESC, hashtag LIMIT ${TOP}`);
  await sql(`DELETE FROM panes WHERE pane < ${endMs - SLIDE_MS}`);
  return table.toArray().map(({ hashtag, n, score }) => [hashtag, n, score]);
}

export default {
  name: 'duckdb-wasm 1.32 (eh)',
  async start() {
    worker = new Worker(`${DIST}duckdb-browser-eh.worker.js`);
    db = new duckdb.AsyncDuckDB(new duckdb.VoidLogger(), worker);
    await db.instantiate(`${DIST}duckdb-eh.wasm`);
    await db.open({ query: { castBigIntToDouble: true } });
    connection = await db.connect();
  },
  async run(batches) {
    const answers = new Answers();
    await sql('CREATE OR REPLACE TABLE panes(pane BIGINT, hashtag VARCHAR, n BIGINT, s DOUBLE)');
    let maxMs = 0;
    for (const lines of batches) {
      maxMs = Math.max(maxMs, await insert(lines));
      answers.add(await top(completeEnd(maxMs)));
    }
    return answers;
  },
  async stop() {
    worker.terminate();
  },
};
