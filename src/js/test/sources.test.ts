/** Tests the descriptions of MQTT and NATS over clients that a test moves. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { type JetStreamMessage, jetStreamSource, type MqttMessage, mqttSource } from '../src/sources.js';
import { iteratorOf } from '../src/sql/streaming/page_source.js';

type Handler = (topic: string, payload: Uint8Array, packet: object, done: (code: number) => void) => void;
type Granted = { topic: string; qos: number };
const bytes = (text: string) => new TextEncoder().encode(text);

/** A client of MQTT without a broker. */
class FakeMqtt extends EventEmitter {
  options: { customHandleAcks?: Handler } = {};
  connected = false;
  ended = 0;
  readonly subscribed: [topic: string | string[], qos: number][] = [];
  answer: (done: (error: (Error & { packet?: unknown }) | null, granted?: Granted[]) => void) => void = () => {};

  subscribe(topic: string | string[], { qos }: { qos: number }, done: never): void {
    this.subscribed.push([topic, qos]);
    this.answer(done);
  }
  end(): void {
    this.ended += 1;
  }
  deliver(n: number, qos: number, acknowledged: number[] = []): void {
    const packet = { qos, retain: false, dup: n % 2 === 0 };
    if (qos === 0) this.emit('message', 't', bytes(String(n)), packet);
    else this.options.customHandleAcks!('t', bytes(String(n)), packet, (code) => acknowledged.push(n, code));
  }
}

/** Opens the messages of a topic. */
async function reading(qos: 0 | 1 | 2, client = new FakeMqtt()) {
  const source = mqttSource(() => client, 't', { qos });
  const abort = new AbortController();
  const items = await source.open(undefined, abort.signal);
  const iterator = iteratorOf(items)!;
  const next = async () => (await iterator.next()) as IteratorResult<MqttMessage>;
  return { source, client, abort, next, items };
}

test('a message of MQTT is acknowledged when the query says so; handlers are there before the connection is', async () => {
  const { source, client, next } = await reading(1);
  assert.deepEqual(client.subscribed, [], 'the client is not connected');
  const acknowledged: number[] = [];
  // The session that the broker kept has messages before anything is subscribed to.
  client.deliver(1, 1, acknowledged);
  client.emit('connect');
  assert.deepEqual(client.subscribed, [['t', 1]]);
  client.deliver(2, 2, acknowledged);
  const [one, two] = [await next(), await next()];
  assert.deepEqual(source.rowOf!(two.value), { topic: 't', value: bytes('2'), qos: 2, retain: false, duplicate: true });
  assert.deepEqual(acknowledged, []);
  await source.ack!(one.value);
  assert.deepEqual(acknowledged, [1, 0]);
});

test('a subscription is tried again on each connection until the broker answers it, and its refusal is an error', async () => {
  const lost = await reading(1);
  lost.client.answer = (done) => done(new Error('Connection closed'));
  lost.client.emit('connect');
  lost.client.answer = (done) => done(null, [{ topic: 't', qos: 1 }]);
  lost.client.emit('connect');
  lost.client.emit('connect');
  assert.equal(lost.client.subscribed.length, 2);
  lost.client.deliver(1, 1);
  assert.equal((await lost.next()).done, false);

  const refused = await reading(2);
  refused.client.answer = (done) => done(Object.assign(new Error('Not authorized'), { packet: {} }));
  refused.client.deliver(1, 2);
  refused.client.emit('connect');
  assert.equal((await refused.next()).done, false, 'what came before');
  await assert.rejects(refused.next(), /Not authorized/);
  const less = await reading(2);
  less.client.answer = (done) => done(null, [{ topic: 't', qos: 1 }]);
  less.client.emit('connect');
  await assert.rejects(less.next(), /grants QoS 1 for t, not 2/);
});

test('a refused connection and a client that ends are errors, a lost connection is not', async () => {
  const { client, next } = await reading(1);
  client.emit('error', Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
  client.deliver(1, 1);
  assert.equal((await next()).done, false);
  client.emit('error', Object.assign(new Error('Connection refused: Not authorized'), { code: 5 }));
  await assert.rejects(next(), /Not authorized/);
  const ended = await reading(0);
  ended.client.emit('end');
  await assert.rejects(ended.next(), /has ended/);
});

test('messages of QoS 0 that find too many others are dropped and counted; a client whose query stops is ended', async () => {
  const { client, abort, next, items } = await reading(0);
  for (let n = 0; n < 10_003; n++) client.deliver(n, 0);
  assert.equal((items as unknown as { takeDropped(): number }).takeDropped(), 3);
  const { value } = await next();
  assert.equal(value.acknowledge, undefined);
  const waiting = reading(0, new FakeMqtt());
  const other = await waiting;
  const asked = other.next();
  other.abort.abort();
  assert.deepEqual([(await asked).done, other.client.ended], [true, 1]);
  abort.abort();
  assert.equal(client.ended, 1);
});

/** A client of JetStream over a list of messages. */
function fakeJetStream(messages: number[], firstSeq = 1, ends = false) {
  const asked: unknown[] = [];
  const acknowledged: number[] = [];
  let stop: () => void = () => {};
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  const consume = async () => ({
    async *[Symbol.asyncIterator](): AsyncGenerator<JetStreamMessage> {
      for (const seq of messages)
        yield { subject: 's', seq, data: bytes(String(seq)), time: new Date(seq), ack: () => void acknowledged.push(seq) };
      if (!ends) await stopped;
    },
    stop: () => stop(),
  });
  const js = {
    consumers: {
      get: async (stream: string, consumer?: unknown) => {
        asked.push([stream, consumer]);
        return { consume };
      },
    },
    streams: { get: async () => ({ info: async () => ({ state: { first_seq: firstSeq } }) }) },
  };
  return { js, asked, acknowledged };
}

test('a stream of NATS begins after the last sequence number, and says if messages are gone', async () => {
  const { signal } = new AbortController();
  const { js, asked } = fakeJetStream([8], 5);
  const source = jetStreamSource(js, 'S', { subjects: 'a.>' });
  await source.open(undefined, signal);
  await source.open(7, signal);
  await source.open(4, signal);
  assert.deepEqual(asked, [
    ['S', { opt_start_seq: 1, filter_subjects: 'a.>' }],
    ['S', { opt_start_seq: 8, filter_subjects: 'a.>' }],
    ['S', { opt_start_seq: 5, filter_subjects: 'a.>' }],
  ]);
  await assert.rejects(async () => source.open(3, signal), /Message 4 is gone from the stream S/);
  await assert.rejects(async () => source.open(1, signal), /Messages 2 to 4 are gone/);
  await jetStreamSource(js, 'S', { failOnDataLoss: false }).open(1, signal);
  assert.deepEqual(asked.at(-1), ['S', { opt_start_seq: 2 }]);
  const item = { subject: 's', seq: 8, data: bytes('8'), time: new Date(8), ack() {} };
  assert.equal(source.offsetOf!(item), 8);
  assert.deepEqual(source.rowOf!(item), { subject: 's', seq: 8, value: bytes('8'), timestamp: new Date(8) });
  assert.equal(source.ack, undefined);
});

test('a durable consumer of NATS is acknowledged, and stops with its query; an end that nobody wanted is an error', async () => {
  const { js, asked, acknowledged } = fakeJetStream([1]);
  const source = jetStreamSource(js, 'S', { consumer: 'mine' });
  const abort = new AbortController();
  const iterator = iteratorOf(await source.open(undefined, abort.signal))!;
  const { value } = (await iterator.next()) as IteratorResult<JetStreamMessage>;
  await source.ack!(value);
  assert.deepEqual([asked, acknowledged, source.offsetOf], [[['S', 'mine']], [1], undefined]);
  const waiting = iterator.next() as Promise<IteratorResult<JetStreamMessage>>;
  abort.abort();
  assert.equal((await waiting).done, true);

  const ended = fakeJetStream([], 1, true);
  const last = iteratorOf(await jetStreamSource(ended.js, 'S').open(undefined, new AbortController().signal))!;
  await assert.rejects(async () => last.next(), /The consumer of the stream S has ended/);
});
