// Server-sent events from a real HTTP server: read once each, though the server hangs up, and on from the last one after a
// query starts again from its checkpoint.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { browser, inPage } from './harness.mjs';

const page = browser();
const EVENTS = 60;
const server = createServer(answer);
let url;
/** What each request gave as `Last-Event-ID`. */
let asked = [];

/** Sends the events after the asked one, and hangs up after twenty of them. */
function answer(request, response) {
  const last = request.headers['last-event-id'];
  const cors = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' };
  if (request.method === 'OPTIONS') return response.writeHead(204, cors).end();
  if (request.url === '/asked') return response.writeHead(200, cors).end(String(asked.length));
  if (request.url === '/gone') return response.writeHead(404, cors).end();
  asked.push(last ?? null);
  response.writeHead(200, { ...cors, 'Content-Type': 'text/event-stream' });
  response.write(': hello\nretry: 20\n\n');
  const from = Number(last ?? 0);
  for (let id = from + 1; id <= Math.min(from + 20, EVENTS); id++) {
    response.write(`id: ${id}\nevent: ${id % 10 === 0 ? 'tenth' : 'message'}\ndata: {"id": ${id},\ndata: "text": "é ${id}"}\n\n`);
  }
  if (from + 20 < EVENTS) response.end('id: 999\ndata: {"id": 999');
}

before(async () => {
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${server.address().port}/`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
});

test('each event is a row, and a lost connection is asked for again after the last event', async () => {
  const seen = await inPage(
    page,
    async (url) => {
      const { SparkSession } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[2]').create();
      const rows = [];
      const events = spark.readStream.format('sse').option('url', url).schema('id BIGINT, text STRING').load();
      const query = await events.writeStream.foreachBatch(async (batch) => void rows.push(...(await batch.collect()))).start();
      while (rows.length < 60) await new Promise((go) => setTimeout(go, 20));
      const progress = query.lastProgress();
      await query.stop();
      await spark.stop();
      return { ids: rows.map((r) => Number(r.id)), last: rows.at(-1).text, sources: (await progress)?.sources };
    },
    url,
  );
  assert.deepEqual(
    seen.ids,
    Array.from({ length: EVENTS }, (_, i) => i + 1),
  );
  assert.equal(seen.last, 'é 60');
  assert.deepEqual(asked, [null, '20', '40']);
});

test('a query that starts again asks for what came after its last durable event, and types of events can be chosen', async () => {
  const seen = await inPage(
    page,
    async (url) => {
      const { SparkSession } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[2]').create();
      const ids = [];
      const run = async (until) => {
        const events = spark.readStream.format('sse').option('url', url).option('event', 'tenth').schema('id BIGINT').load();
        const query = await events.writeStream
          .option('checkpointLocation', `sse-${url.length}-${performance.timeOrigin}`)
          .foreachBatch(async (batch) => void ids.push(...(await batch.collect()).map((r) => Number(r.id))))
          .start();
        const requests = async () => Number(await (await fetch(`${url}asked`)).text());
        while (ids.length < 6 || (await requests()) < until) await new Promise((go) => setTimeout(go, 20));
        await query.processAllAvailable();
        await query.stop();
      };
      await run(3);
      await run(4);
      await spark.stop();
      return ids;
    },
    url,
  );
  assert.deepEqual(seen, [10, 20, 30, 40, 50, 60]);
  assert.deepEqual(asked, [null, '20', '40', '60']);
});

test('a server that has no such stream ends the query, with its status', async () => {
  const error = await inPage(
    page,
    async (url) => {
      const { SparkSession } = await import('rivulet');
      const spark = await SparkSession.builder.master('local[1]').create();
      const query = await spark.readStream.format('sse').option('url', url).schema('id INT').load().writeStream.format('noop').start();
      const error = await query.awaitTermination().catch((error) => error.message);
      await spark.stop();
      return error;
    },
    `${url}gone`,
  );
  assert.match(String(error), /answered with HTTP status 404/);
});
