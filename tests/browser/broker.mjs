// A Kafka broker for tests (tansu), Rivulet's gateway in front of it, and Kafka's own client.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { CACHE, JS } from '../../src/js/scripts/paths.mjs';

const TANSU = process.env.RIVULET_TANSU ?? join(CACHE, 'tansu/tansu');
export const GATEWAY = join(process.env.CARGO_TARGET_DIR ?? join(CACHE, 'target'), 'debug/rivulet-gateway');

/** A port that nobody uses. */
export const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** Starts a program, and resolves when it has printed what matches. */
export function started(command, args, pattern, env = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let said = '';
  return new Promise((resolve, reject) => {
    const hear = (bytes) => {
      said += bytes;
      if (pattern.test(said)) resolve(child);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`${command} has ended with ${code}: ${said}`)));
  });
}

/** Kafka's client, connected; tries until the broker answers. */
async function connected(servers) {
  const { Kafka, Partitioners, logLevel } = createRequire(join(JS, 'package.json'))('kafkajs');
  const kafka = new Kafka({
    brokers: [servers],
    logLevel: logLevel.NOTHING,
    retry: { retries: 30, initialRetryTime: 50, maxRetryTime: 500 },
  });
  const admin = kafka.admin();
  await admin.connect();
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  return { kafka, admin, producer };
}

/** A group of one reader begins at once. */
const ALONE = { sessionTimeout: 6_000, rebalanceTimeout: 1_000, heartbeatInterval: 200, maxWaitTimeInMs: 100 };

/** A broker; `gateway()` starts a gateway in front of it for pages of `origin`. */
export async function startBroker() {
  const port = await freePort();
  const servers = `127.0.0.1:${port}`;
  const children = [];
  const address = `tcp://${servers}`;
  const broker = spawn(
    TANSU,
    ['broker', '--listener-url', address, '--advertised-listener-url', address, '--storage-engine', 'memory://tansu/'],
    {
      stdio: 'ignore',
    },
  );
  children.push(broker);
  await new Promise((resolve, reject) => {
    broker.on('spawn', resolve);
    broker.on('error', reject);
  });
  const { kafka, admin, producer } = await connected(servers);
  return {
    servers,
    admin,
    producer,
    /** Makes a topic. */
    create: (topic, numPartitions) => admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: false }),
    /** Writes records to a partition. */
    send: (topic, partition, messages) => producer.send({ topic, messages: messages.map((message) => ({ ...message, partition })) }),
    /** Writes records where Kafka's client puts them. */
    sendAnywhere: (topic, messages) => producer.send({ topic, messages }),
    /** Reads a topic from its beginning until `take` returns true of a record, or the signal says that it is enough. */
    async readUntil(topic, take, signal) {
      const consumer = kafka.consumer({ groupId: `reads-${topic}`, ...ALONE });
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await new Promise((resolve, reject) => {
        signal?.addEventListener('abort', resolve);
        const eachMessage = async ({ partition, message: { key, value, headers, offset } }) => {
          const texts = Object.fromEntries(Object.entries(headers ?? {}).map(([name, bytes]) => [name, String(bytes)]));
          const text = (bytes) => bytes && String(bytes);
          if (take({ partition, offset: Number(offset), key: text(key), value: text(value), headers: texts })) resolve();
        };
        consumer.run({ eachMessage }).catch(reject);
      });
      await consumer.disconnect();
    },
    /** Reads `count` records of a topic from its beginning. */
    async read(topic, count) {
      const records = [];
      await this.readUntil(topic, (record) => records.push(record) >= count);
      return records;
    },
    async gateway(origin, ...more) {
      const at = await freePort();
      const child = await started(GATEWAY, ['--kafka', servers, '--port', String(at), '--origin', origin, ...more], /gateway: http/);
      children.push(child);
      return { url: `http://127.0.0.1:${at}`, stop: () => child.kill() };
    },
    async stop() {
      await Promise.allSettled([producer.disconnect(), admin.disconnect()]);
      children.forEach((child) => {
        child.removeAllListeners('exit');
        child.kill('SIGKILL');
      });
    },
  };
}
