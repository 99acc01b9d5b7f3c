// Live sources in a page whose renderer is crashed again and again, while their servers are restarted: MQTT at each QoS, NATS JetStream by
// sequence number and by acknowledgement, server-sent events. Each goes by a query with a checkpoint into files of the page; what is in
// them at the end is what the guide promises.
//   node tests/conformance/live_sources.mjs --mosquitto PROGRAM --nats PROGRAM --clients FOLDER [--records 1000] [--kills 20] [--seed N]
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { launch } from '../../src/js/scripts/browser.mjs';
import { PKG } from '../../src/js/scripts/paths.mjs';
import { serve } from '../../src/js/scripts/serve.mjs';
import { clients, startEvents, startMosquitto, startNats } from './live_servers.mjs';
import { dice } from './lives.mjs';

const { values: args } = parseArgs({
  options: {
    mosquitto: { type: 'string', default: 'mosquitto' },
    nats: { type: 'string', default: 'nats-server' },
    clients: { type: 'string' },
    records: { type: 'string', default: '1000' },
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
  },
});
const HERE = dirname(fileURLToPath(import.meta.url));
const [records, kills, draw] = [Number(args.records), Number(args.kills), dice(args.seed)];
const SYSTEMS = {
  'mqtt-0': 'MQTT, QoS 0: best effort',
  'mqtt-1': 'MQTT, QoS 1: at least once',
  'mqtt-2': 'MQTT, QoS 2: at least once',
  'nats-sequence': 'NATS JetStream by sequence number: exactly once',
  'nats-acks': 'NATS JetStream with acknowledgements: at least once',
  'nats-acks-distinct': 'NATS JetStream with acknowledgements, then dropDuplicates: exactly once',
  events: 'server-sent events with Last-Event-ID: exactly once',
};

/** Starts all queries in a page. One that ends with an error starts again, as long as the page lives. */
async function live({ urls, names }) {
  const { SparkSession } = await import('rivulet');
  const { jetStreamSource, mqttSource } = await import('/pkg/dist/sources.js');
  const { jetstream, mqtt, wsconnect } = await import('/clients/clients.js');
  const spark = await SparkSession.builder.master('local[2]').config('spark.sql.shuffle.partitions', 2).create();
  const connection = await wsconnect({ servers: urls.nats, maxReconnectAttempts: -1, reconnectTimeWait: 100, waitOnFirstConnect: true });
  const js = jetstream(connection);
  const subscribed = { 'mqtt-0': false };
  const broker = (qos) => () => {
    const client = mqtt.connect(urls.mqtt, { clientId: `page-${qos}`, clean: qos === 0, reconnectPeriod: 100 });
    client.on('packetreceive', ({ cmd }) => cmd === 'suback' && (subscribed[`mqtt-${qos}`] = true));
    return client;
  };
  const n = 'CAST(CAST(value AS STRING) AS BIGINT) AS n';
  const of = {
    events: () => spark.readStream.format('sse').option('url', urls.events).schema('n BIGINT').load(),
    'nats-sequence': () => spark.readStream.from(jetStreamSource(js, 'numbers')).selectExpr(n),
    'nats-acks': () => spark.readStream.from(jetStreamSource(js, 'numbers', { consumer: 'all' })).selectExpr(n),
    'nats-acks-distinct': () =>
      spark.readStream
        .from(jetStreamSource(js, 'numbers', { consumer: 'distinct' }))
        .dropDuplicates(['seq'])
        .selectExpr(n),
  };
  for (const qos of [0, 1, 2])
    of[`mqtt-${qos}`] = () => spark.readStream.from(mqttSource(broker(qos), `numbers/${qos}`, { qos })).selectExpr(n);
  const ends = [];
  const keep = async (name) => {
    for (;;) {
      const writer = of[name]().coalesce(1).writeStream.format('json').option('checkpointLocation', `opfs:///checkpoint-${name}`);
      const query = await writer.start(`opfs:///${name}`);
      await query.awaitTermination().catch((error) => ends.push(`${name}: ${error.message}`));
    }
  };
  for (const name of names) keep(name).catch((error) => ends.push(`${name} did not start: ${error.message}`));
  // The numbers in the files that the sink's log names, in order: others are of batches that died. Files end with a seal.
  const found = async (name) => {
    let folder = await navigator.storage.getDirectory();
    const textOf = async (handle) => (await handle.getFile()).text();
    const files = new Set();
    try {
      for (const part of ['rivulet', name]) folder = await folder.getDirectoryHandle(part);
      for await (const log of (await folder.getDirectoryHandle('_spark_metadata')).values()) {
        for (const [, file] of (await textOf(log)).matchAll(/"path":"[^"]*\/([^"/]+)"/g)) files.add(file);
      }
    } catch {
      return [];
    }
    const batch = (file) => Number(/-(\d+)-c000/.exec(file)?.[1] ?? Number.NaN);
    const numbers = [];
    for (const file of [...files].sort((a, b) => batch(a) - batch(b))) {
      for (const [, n] of (await textOf(await folder.getFileHandle(file))).matchAll(/\{"n":(\d+)\}/g)) numbers.push(Number(n));
    }
    return numbers;
  };
  Object.assign(globalThis, { found, ends, subscribed });
}

const folder = mkdtempSync(join(tmpdir(), 'rivulet-live-'));
const { bundle, load } = clients(args.clients);
await bundle(join(folder, 'page/clients.js'));
const [mosquitto, nats, events] = [await startMosquitto(args.mosquitto, folder), await startNats(args.nats, folder), await startEvents()];
try {
  const { default: mqtt } = await load('mqtt');
  const { jetstream, jetstreamManager } = await load('@nats-io/jetstream');
  const { wsconnect } = await load('@nats-io/nats-core');
  globalThis.WebSocket ??= (await load('ws')).default;
  const producer = await mqtt.connectAsync(mosquitto.tcp, { reconnectPeriod: 100 });
  // What it publishes while the broker is down it sends later.
  producer.on('error', () => {});
  const connection = await wsconnect({ servers: nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'numbers', subjects: ['numbers'] });
  for (const name of ['all', 'distinct']) {
    await manager.consumers.add('numbers', { durable_name: name, ack_policy: 'explicit', ack_wait: 3_000_000_000, max_ack_pending: 200 });
  }
  // The broker knows sessions from their first subscription on.
  for (const qos of [1, 2]) {
    const session = await mqtt.connectAsync(mosquitto.tcp, { clientId: `page-${qos}`, clean: false });
    await session.subscribeAsync(`numbers/${qos}`, { qos });
    await session.endAsync();
  }
  const js = jetstream(connection);
  let published = 0;
  const publish = async () => {
    const n = published++;
    events.add(n);
    const sent = [0, 1, 2].map((qos) => producer.publishAsync(`numbers/${qos}`, String(n), { qos }));
    // Its own number makes a message that is published again the same one.
    const stored = async () => {
      for (;;) {
        try {
          return await js.publish('numbers', String(n), { msgID: String(n), timeout: 1_000 });
        } catch {}
      }
    };
    await Promise.all([...sent, stored()]);
  };

  const site = await serve(resolve(HERE, '../browser/page'), { mounts: { '/pkg/': PKG, '/clients/': join(folder, 'page/') } });
  const browser = await launch();
  const context = await browser.newContext();
  const urls = { mqtt: mosquitto.url, nats: nats.url, events: events.url };
  const servers = [mosquitto, nats, events];
  const errors = [];
  const begun = Date.now();
  let restarts = 0;
  let page;
  for (let deaths = 0; deaths <= kills; deaths++) {
    page = await context.newPage();
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(`${site.url}/blank.html`);
    const lived = page.evaluate(live, { urls, names: Object.keys(SYSTEMS) });
    const until = Math.floor((records * (deaths + 1)) / (kills + 1));
    const isHeard = page.waitForFunction(() => globalThis.subscribed?.['mqtt-0'], undefined, { timeout: 60_000 }).catch(() => {});
    // Some while the page begins, the others when it reads.
    const produce = (async () => {
      const half = published + (until - published) / 2;
      while (published < half) await publish();
      await isHeard;
      while (published < until) await publish();
    })();
    if (deaths === kills) {
      await Promise.all([lived, produce]);
      break;
    }
    lived.catch(() => {});
    const trouble = deaths % 3 === 1 ? servers[Math.floor(deaths / 3) % servers.length] : undefined;
    if (trouble) {
      await isHeard;
      await trouble.restart();
      restarts += 1;
    }
    await isHeard;
    await new Promise((go) => setTimeout(go, draw(2_500)));
    errors.push(...(await page.evaluate(() => globalThis.ends ?? []).catch(() => [])));
    // As the browser's own crash: nobody in the page hears of it.
    await page.goto('chrome://crash').catch(() => {});
    await page.close();
    await produce;
  }
  // QoS 0 has what is published from now on; a number of its own says when all of it is there.
  await producer.publishAsync('numbers/0', String(records), { qos: 0 });
  const all = async (name) => {
    const wanted = name === 'mqtt-0' ? (numbers) => numbers.at(-1) === records : (numbers) => new Set(numbers).size === records;
    for (let tries = 0; ; tries++) {
      const numbers = await page.evaluate((name) => globalThis.found(name), name);
      if (wanted(numbers)) return numbers;
      if (tries > 600) {
        const ends = await page.evaluate(() => globalThis.ends);
        throw new Error(`${name}: ${new Set(numbers).size} of ${records} numbers are there; ${[...errors, ...ends].join('; ')}`);
      }
      await new Promise((go) => setTimeout(go, 200));
    }
  };
  const isWhole = (numbers) =>
    assert.deepEqual(
      numbers,
      Array.from({ length: records }, (_, n) => n),
      'each once, in order',
    );
  console.log(
    `${records} records a system, ${kills} crashes of the tab, ${restarts} restarts of servers, ${errors.length} queries started again`,
  );
  for (const [name, promise] of Object.entries(SYSTEMS)) {
    const numbers = await all(name);
    const distinct = new Set(numbers);
    if (promise.endsWith('exactly once')) {
      isWhole(name === 'nats-acks-distinct' ? [...numbers].sort((a, b) => a - b) : numbers);
    } else if (name === 'mqtt-0') {
      assert.ok(
        numbers.every((n, at) => at === 0 || n > numbers[at - 1]),
        'in order, without doubles',
      );
    } else isWhole([...distinct].sort((a, b) => a - b));
    const copies = numbers.length - distinct.size;
    console.log(`${promise.padEnd(74)} ${distinct.size - (name === 'mqtt-0')} of ${records} arrived, ${copies} of them again`);
  }
  for (const error of new Set(errors)) console.log(error.slice(0, 300));
  console.log(`${((Date.now() - begun) / 1_000).toFixed(1)} s`);
  await browser.close();
  site.server.close();
  await producer.endAsync(true);
  await connection.close();
} finally {
  await Promise.allSettled([mosquitto.stop(), nats.stop(), events.stop()]);
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
