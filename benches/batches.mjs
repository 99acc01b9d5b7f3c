// Whether batches stay on time: a context of 100 ms batches over a receiver in an executor, in one Chromium.
//   node benches/batches.mjs [--batches 500] [--interval 100]
// Lateness is what lies between the end of a batch's interval and the moment in which the driver cuts the batch; the driver's clock
// says both. Three pages: one that does nothing, one whose thread is busy for 2 s out of every 4, and one in a hidden tab, whose own
// timer shows that the browser slows it down. A batch's output is the page's: it begins when the page is free.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CHROMIUM, CHROMIUM_FLAGS, JS, PKG } from '../src/js/scripts/paths.mjs';
import { serve } from '../src/js/scripts/serve.mjs';

const { WebSocket } = createRequire(join(JS, 'package.json'))('ws');
const { values: args } = parseArgs({
  options: { batches: { type: 'string', default: '500' }, interval: { type: 'string', default: '100' } },
});
const say = (text) => process.stdout.write(text);
const cell = (value, width = 9) => String(value).padStart(width);
const quantile = (numbers, q) => numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * q))];

/** In the page: runs `batches` batches; returns how late each was cut and begun, and how late a timer of the page rang. */
async function run({ batches, interval, busy }) {
  const { SparkSession, StreamingContext } = await import('/pkg/dist/index.js');
  const spark = await SparkSession.builder.master('local[2]').create();
  const ssc = new StreamingContext(spark.sparkContext, interval);
  class Ticks {
    onStart() {
      this.timer = setInterval(() => void this.store(Date.now()), 5);
    }
    onStop() {
      clearInterval(this.timer);
    }
  }
  const cut = [];
  const begun = [];
  let records = 0;
  ssc.addStreamingListener({
    onBatchCompleted: ({ batchTime, submissionTime, processingStartTime, numRecords }) => {
      cut.push(submissionTime - batchTime);
      begun.push(processingStartTime - batchTime);
      records += numRecords;
    },
  });
  let seen = 0;
  ssc
    .receiverStream(Ticks)
    .map((x) => [x % 10, 1])
    .reduceByKeyAndWindow((a, b) => a + b, null, 5 * interval)
    .foreachRDD(async (rdd) => {
      seen += (await rdd.collect()).length;
    });
  ssc.start();
  const timer = [];
  let last = performance.now();
  const own = setInterval(() => {
    const now = performance.now();
    timer.push(now - last - 50);
    last = now;
  }, 50);
  const block = busy
    ? setInterval(() => {
        const until = performance.now() + 2_000;
        while (performance.now() < until);
      }, 4_000)
    : undefined;
  await new Promise((done) => ssc.addStreamingListener({ onBatchCompleted: () => cut.length >= batches && done() }));
  clearInterval(block);
  clearInterval(own);
  const { visibilityState } = document;
  await ssc.stop();
  await spark.stop();
  return { cut: cut.slice(0, batches), begun: begun.slice(0, batches), timer, records, seen, visibilityState };
}

/** Chromium as users have it, over its own protocol: drivers of browsers keep hidden tabs at full speed. */
async function chromium() {
  const profile = mkdtempSync(join(tmpdir(), 'rivulet-batches-'));
  const flags = [...CHROMIUM_FLAGS, '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'];
  const child = spawn(CHROMIUM, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
  const address = await new Promise((resolve, reject) => {
    let said = '';
    child.on('exit', () => reject(new Error(`Chromium ended: ${said}`)));
    child.stderr.on('data', (data) => {
      said += data;
      const found = /ws:\/\/\S+/.exec(said);
      if (found) resolve(found[0]);
    });
  });
  const socket = new WebSocket(address);
  await new Promise((resolve) => socket.on('open', resolve));
  const waiting = new Map();
  let sent = 0;
  socket.on('message', (message) => {
    const { id, result, error } = JSON.parse(message);
    waiting.get(id)?.(error ? Promise.reject(new Error(error.message)) : result);
    waiting.delete(id);
  });
  const send = (method, params = {}, sessionId = undefined) =>
    new Promise((resolve) => {
      const id = ++sent;
      waiting.set(id, resolve);
      socket.send(JSON.stringify({ id, method, params, sessionId }));
    });
  return {
    async open(url) {
      const { targetId } = await send('Target.createTarget', { url, newWindow: false });
      await send('Target.activateTarget', { targetId });
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
      return {
        async evaluate(f, arg) {
          const expression = `(${f})(${JSON.stringify(arg)})`;
          const { result, exceptionDetails } = await send(
            'Runtime.evaluate',
            { expression, awaitPromise: true, returnByValue: true },
            sessionId,
          );
          if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
          return result.value;
        },
        close: () => send('Target.closeTarget', { targetId }),
      };
    },
    close() {
      child.removeAllListeners('exit');
      const ended = new Promise((resolve) => child.on('exit', resolve));
      child.kill();
      return ended.then(() => rmSync(profile, { recursive: true, force: true }));
    },
  };
}

const { server, url } = await serve(PKG, { mounts: { '/pkg/': PKG } });
const browser = await chromium();
try {
  const names = ['p50', 'p90', 'p99', 'max', 'begun p99', 'timer p99'];
  say(`${cell('page', 8)}${names.map((name) => cell(name, 11)).join('')}${cell('records', 9)}\n`);
  for (const kind of ['idle', 'busy', 'hidden']) {
    const page = await browser.open(`${url}/package.json`);
    const cover = kind === 'hidden' ? await browser.open('about:blank') : undefined;
    const found = await page.evaluate(run, { batches: Number(args.batches), interval: Number(args.interval), busy: kind === 'busy' });
    const late = [0.5, 0.9, 0.99, 1].map((q) => quantile(found.cut, q));
    const own = Math.round(quantile(found.timer, 0.99));
    say(`${cell(kind, 8)}${[...late, quantile(found.begun, 0.99), own].map((ms) => cell(ms, 11)).join('')}${cell(found.records)}`);
    say(`  ${found.visibilityState}\n`);
    await page.close();
    await cover?.close();
  }
} finally {
  await browser.close();
  server.close();
}
