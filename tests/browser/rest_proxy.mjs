// What stands in front of Kafka elsewhere: the consumers, offsets and records of Confluent's REST Proxy (version 2) and of Strimzi's
// bridge, as their documentation has them, over a real broker. Answers can be lost, and consumers forgotten.
import { once } from 'node:events';
import { createServer } from 'node:http';

const BINARY = 'application/vnd.kafka.binary.v2+json';
const MOST_RECORDS = 200;

class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

/** The records of the topics that are asked for, read from their beginnings. */
class Logs {
  #topics = new Map();
  #ended = new AbortController();
  #reading = [];

  constructor(broker) {
    this.broker = broker;
  }

  async of(topic) {
    if (!this.#topics.has(topic)) this.#topics.set(topic, this.#follow(topic));
    return this.#topics.get(topic);
  }

  /** Stops to read. */
  async stop() {
    this.#ended.abort();
    await Promise.all(this.#reading);
  }

  async #follow(topic) {
    const names = await this.broker.admin.listTopics();
    if (!names.includes(topic)) throw new Refusal(404, 40401, 'Topic not found.');
    const known = await this.broker.admin.fetchTopicMetadata({ topics: [topic] });
    const partitions = known.topics[0].partitions.map(() => []);
    const take = (record) => void partitions[record.partition].push(record);
    this.#reading.push(this.broker.readUntil(topic, take, this.#ended.signal).catch(() => {}));
    return partitions;
  }
}

/** Starts a server of that dialect for pages of `origin`; `draw()` is a number from 0 to 1 of which one under `loss` loses an answer. */
export async function startRest(broker, { dialect, origin, draw = () => 1, loss = 0 }) {
  const logs = new Logs(broker);
  const consumers = new Map();
  const seen = { lost: 0, forgotten: 0, made: 0, requests: 0 };
  const b64 = (text) => (text === undefined || text === null ? null : Buffer.from(text).toString('base64'));
  const text = (base) => (base === null || base === undefined ? null : Buffer.from(base, 'base64'));
  const consumerOf = (name) => {
    const consumer = consumers.get(name);
    if (!consumer) throw new Refusal(404, dialect === 'strimzi' ? 404 : 40403, 'Consumer instance not found.');
    return consumer;
  };
  const shown = ({ topic, partition, offset, key, value, headers }) => ({
    topic,
    key: b64(key),
    value: b64(value),
    partition,
    offset,
    ...(dialect === 'strimzi' && {
      timestamp: 1_700_000_000_000 + offset,
      headers: Object.entries(headers).map(([name, of]) => ({ key: name, value: b64(of) })),
    }),
  });

  /** Answers a request with a status and a body. */
  async function answer(method, path, query, body, accept) {
    const [first, ...rest] = path.split('/').slice(1).map(decodeURIComponent);
    if (method === 'GET' && path === '/') return [200, dialect === 'strimzi' ? { bridge_version: '1.0.0' } : {}];
    if (first === 'topics' && method === 'GET') {
      const [topic, word, partition, last] = rest;
      if (topic === undefined) return [200, await broker.admin.listTopics()];
      const partitions = await logs.of(topic);
      if (word === 'partitions' && partition === undefined)
        return [200, partitions.map((_, n) => ({ partition: n, leader: 0, replicas: [] }))];
      if (last === 'offsets' && partitions[partition])
        return [200, { beginning_offset: 0, end_offset: (partitions[partition].at(-1)?.offset ?? -1) + 1 }];
      throw new Refusal(404, 40402, 'Partition not found.');
    }
    if (first === 'topics' && method === 'POST') {
      const messages = body.records.map(({ key, value, partition, headers }) => ({
        key: text(key),
        value: text(value),
        ...(partition !== undefined && { partition }),
        headers: Object.fromEntries((headers ?? []).map((of) => [of.key, text(of.value)])),
      }));
      await broker.sendAnywhere(rest[0], messages);
      return [200, { offsets: messages.map(() => ({ partition: 0, offset: 0 })) }];
    }
    const [group, , name, word] = rest;
    if (first === 'consumers' && method === 'POST' && name === undefined) {
      if (body.format !== 'binary' || body.name === undefined) throw new Refusal(422, 42204, 'Invalid consumer configuration.');
      if (consumers.has(body.name)) throw new Refusal(409, 40902, 'Consumer instance with the specified name already exists.');
      consumers.set(body.name, {});
      seen.made += 1;
      return [200, { instance_id: body.name, base_uri: `http://proxy.internal/consumers/${group}/instances/${body.name}` }];
    }
    if (first !== 'consumers' || name === undefined) throw new Refusal(404, 404, 'HTTP 404 Not Found');
    const consumer = consumerOf(name);
    if (method === 'DELETE') {
      consumers.delete(name);
      return [204];
    }
    if (word === 'assignments') {
      Object.assign(consumer, body.partitions[0], { at: 0 });
      return [204];
    }
    if (word === 'positions') {
      consumer.at = body.offsets[0].offset;
      return [204];
    }
    if (!accept.includes(BINARY)) throw new Refusal(406, 40601, 'The consumer does not read the format.');
    if (loss > draw()) {
      consumers.delete(name);
      seen.forgotten += 1;
      return answer(method, path, query, body, accept);
    }
    const held = (await logs.of(consumer.topic))[consumer.partition];
    const after = held.filter(({ offset }) => offset >= consumer.at).slice(0, MOST_RECORDS);
    if (after.length > 0) consumer.at = after.at(-1).offset + 1;
    else await new Promise((resolve) => setTimeout(resolve, Math.min(50, Number(query.get('timeout')))));
    return [200, after.map((record) => shown({ ...record, topic: consumer.topic }))];
  }

  const server = createServer(async (request, response) => {
    const allowed = {
      'access-control-allow-origin': origin,
      'access-control-allow-headers': 'content-type,accept,authorization',
      'access-control-allow-methods': 'GET,POST,DELETE',
    };
    if (request.method === 'OPTIONS') return response.writeHead(204, allowed).end();
    seen.requests += 1;
    let bytes = '';
    for await (const piece of request) bytes += piece;
    const { pathname, searchParams } = new URL(request.url, 'http://rest');
    let [status, told] = [];
    try {
      [status, told] = await answer(request.method, pathname, searchParams, bytes && JSON.parse(bytes), request.headers.accept ?? '');
    } catch (error) {
      [status, told] = [error.status ?? 500, { error_code: error.code ?? 50002, message: error.message }];
    }
    if (loss > draw()) {
      seen.lost += 1;
      return request.socket.destroy();
    }
    response.writeHead(status, { ...allowed, 'content-type': 'application/vnd.kafka.v2+json' });
    response.end(told === undefined ? undefined : JSON.stringify(told));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    seen,
    consumers,
    async stop() {
      server.closeAllConnections();
      server.close();
      await logs.stop();
    },
  };
}
