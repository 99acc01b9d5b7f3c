// Flume's agents for tests: what sends events to Rivulet's gateway over HTTP and over Avro, and Spark's sink, which it polls. The wire of
// Avro's calls is that of avsc, which others wrote.
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { JS } from '../../src/js/scripts/paths.mjs';
import { freePort, GATEWAY, started } from './broker.mjs';

const avro = createRequire(join(JS, 'package.json'))('avsc');

const EVENT = {
  type: 'record',
  fields: [
    { name: 'headers', type: { type: 'map', values: 'string' } },
    { name: 'body', type: 'bytes' },
  ],
};
/** `AvroSourceProtocol` of Flume (flume.avdl). */
const AGENT = avro.Service.forProtocol({
  protocol: 'AvroSourceProtocol',
  namespace: 'org.apache.flume.source.avro',
  types: [
    { type: 'enum', name: 'Status', symbols: ['OK', 'FAILED', 'UNKNOWN'] },
    { ...EVENT, name: 'AvroFlumeEvent' },
  ],
  messages: {
    append: { request: [{ name: 'event', type: 'AvroFlumeEvent' }], response: 'Status' },
    appendBatch: { request: [{ name: 'events', type: { type: 'array', items: 'AvroFlumeEvent' } }], response: 'Status' },
  },
});
const sequence = [{ name: 'sequenceNumber', type: 'string' }];
/** `SparkFlumeProtocol` of Spark's sink (sparkflume.avdl). */
const SINK = avro.Service.forProtocol({
  protocol: 'SparkFlumeProtocol',
  namespace: 'org.apache.spark.flume',
  types: [
    { ...EVENT, name: 'SparkSinkEvent' },
    {
      type: 'record',
      name: 'EventBatch',
      fields: [
        { name: 'errorMsg', type: 'string', default: '' },
        { name: 'sequenceNumber', type: 'string' },
        { name: 'events', type: { type: 'array', items: 'SparkSinkEvent' } },
      ],
    },
  ],
  messages: {
    getEventBatch: { request: [{ name: 'n', type: 'int' }], response: 'EventBatch' },
    ack: { request: sequence, response: 'null' },
    nack: { request: sequence, response: 'null' },
  },
});

/** An event with a number, in Flume's JSON. */
export const numbered = (n, more = {}) => ({ headers: { n: String(n), ...more }, body: `event ${n}` });
const binary = ({ headers, body }) => ({ headers, body: Buffer.from(body) });

/** A container file of events, as Flume's `avro_event` serializer writes them. */
export async function container(events, codec = 'null') {
  const encoder = new avro.streams.BlockEncoder(avro.Type.forSchema({ ...EVENT, name: 'Event' }), { codec });
  const pieces = [];
  encoder.on('data', (piece) => pieces.push(piece));
  events.forEach((event) => encoder.write(binary(event)));
  encoder.end();
  await once(encoder, 'end');
  return Buffer.concat(pieces);
}

/** Starts a gateway for pages of `origin`; `restart()` ends it as a power failure would, and starts it again. */
export async function startGateway(origin, words) {
  const port = await freePort();
  const run = async () => {
    const child = await started(GATEWAY, ['--port', String(port), '--origin', origin, ...words], /gateway: http/);
    child.removeAllListeners('exit');
    return child;
  };
  let child = await run();
  const stop = async () => {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    stop,
    async restart() {
      await stop();
      child = await run();
    },
  };
}

/** A server in front of a gateway that loses one question or answer in `every`; `draw` draws numbers. */
export async function startLossy(target, draw, every) {
  const seen = { questions: 0, lost: 0 };
  const server = createHttp((request, response) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', async () => {
      // Whether a page may ask is asked before, and not lost.
      const isAsked = request.method === 'POST';
      seen.questions += Number(isAsked);
      const fate = isAsked && draw(every) === 0 ? draw(2) : -1;
      if (fate >= 0) seen.lost++;
      if (fate === 0) return request.socket.destroy();
      // Who asks no more is not asked for any more.
      const gone = new AbortController();
      response.on('close', () => gone.abort());
      try {
        const own = ['host', 'connection', 'content-length', 'accept-encoding'];
        const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !own.includes(name)));
        const body = request.method === 'POST' ? Buffer.concat(pieces) : undefined;
        const answer = await fetch(target + request.url, { method: request.method, headers, body, signal: gone.signal });
        const bytes = Buffer.from(await answer.arrayBuffer());
        if (fate === 1) return request.socket.destroy();
        const passed = [...answer.headers].filter(([name]) => !['connection', 'content-length', 'transfer-encoding'].includes(name));
        response.writeHead(answer.status, Object.fromEntries(passed)).end(bytes);
      } catch {
        request.socket.destroy();
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    seen,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Sends a transaction as to Flume's HTTPSource; resolves with the status, or 0 if there is none. */
export async function sendHttp(gateway, channel, events, more = {}) {
  const { type = 'application/json', body = JSON.stringify(events), signal, headers = {} } = more;
  try {
    const url = `${gateway.url}/flume/http/${channel}`;
    const response = await fetch(url, { method: 'POST', headers: { 'Content-Type': type, ...headers }, body, signal });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}

/** Flume's Avro sink: a connection for as long as it lasts. `send` resolves with the status, or with what went wrong. */
export function avroAgent(port) {
  let client;
  let socket;
  const connected = () => {
    if (client) return client;
    socket = connect(port, '127.0.0.1');
    const own = socket;
    client = AGENT.createClient({ buffering: false, timeout: 60_000 });
    const channel = client.createChannel(socket, { timeout: 60_000 });
    const lose = () => {
      if (socket === own) client = undefined;
      own.destroy();
      // Calls that wait have failed.
      channel.destroy(true);
    };
    for (const [emitter, name] of [
      [socket, 'error'],
      [socket, 'close'],
      [channel, 'eot'],
    ])
      emitter.on(name, lose);
    return client;
  };
  const call = (message, value) =>
    new Promise((resolve) => connected()[message](value, (error, status) => resolve(error ? error.message : status)));
  return {
    send: (events) => call('appendBatch', events.map(binary)),
    sendOne: (event) => call('append', binary(event)),
    /** Ends the connection, whatever is under way. */
    stop: () => socket?.destroy(),
  };
}

/**
 * Spark's sink: hands events out by `getEventBatch` and keeps them until they are acknowledged; a transaction that takes longer than
 * `patience` ms, or is sent back, is handed out again. `sent` is called with each event that is handed out.
 */
export async function startSink({ patience = 60_000, sent = () => {} } = {}) {
  const [queue, open, sockets] = [[], new Map(), new Set()];
  const seen = { batches: 0, acks: 0, nacks: 0, expired: 0 };
  let last = 0;
  const settle = (sequence, back) => {
    const transaction = open.get(sequence);
    if (!transaction) return false;
    open.delete(sequence);
    clearTimeout(transaction.timer);
    if (back) queue.unshift(...transaction.events);
    return true;
  };
  const server = SINK.createServer()
    .onGetEventBatch((n, done) => {
      const events = queue.splice(0, n);
      const sequenceNumber = `seq${++last}`;
      if (events.length === 0) return done(null, { errorMsg: 'no events in the channel', sequenceNumber: '', events });
      seen.batches++;
      const expire = () => {
        seen.expired += Number(settle(sequenceNumber, true));
      };
      open.set(sequenceNumber, { events, timer: setTimeout(expire, patience) });
      events.forEach(sent);
      done(null, { errorMsg: '', sequenceNumber, events: events.map(binary) });
    })
    .onAck((sequenceNumber, done) => {
      seen.acks += Number(settle(sequenceNumber, false));
      done();
    })
    .onNack((sequenceNumber, done) => {
      seen.nacks += Number(settle(sequenceNumber, true));
      done();
    });
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    server.createChannel(socket);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    address: `127.0.0.1:${listener.address().port}`,
    seen,
    put: (...events) => queue.push(...events),
    /** How many events are not acknowledged. */
    left: () => queue.length + [...open.values()].reduce((sum, { events }) => sum + events.length, 0),
    /** Ends all connections. */
    cut: () => sockets.forEach((socket) => socket.destroy()),
    stop() {
      sockets.forEach((socket) => socket.destroy());
      open.forEach(({ timer }) => clearTimeout(timer));
      listener.close();
    },
  };
}
