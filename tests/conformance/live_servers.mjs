// Servers of live data for tests: an MQTT broker (mosquitto), a NATS server with JetStream, and a server of events that keeps them all.
// Each can be restarted, and keeps what it has. Clients for the page, and for this program, are those of the systems.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';
import { JS } from '../../src/js/scripts/paths.mjs';
import { freePort } from '../browser/broker.mjs';

const later = (ms) => new Promise((go) => setTimeout(go, ms));

/** Waits until something listens on a port. */
async function listens(port) {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const is = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').then(() => false)]).catch(() => false);
    socket.destroy();
    if (is) return;
    await later(20);
  }
}

/** A program that serves a port and can be restarted. */
async function program(command, args, port) {
  let child;
  const start = async () => {
    child = spawn(command, args, { stdio: 'ignore' });
    const failed = once(child, 'error').then(([error]) => Promise.reject(error));
    failed.catch(() => {});
    await Promise.race([listens(port), failed]);
  };
  const stop = async () => {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  };
  await start();
  return {
    stop,
    async restart() {
      await stop();
      await later(300);
      await start();
    },
  };
}

/** An MQTT broker that keeps sessions and all their messages. */
export async function startMosquitto(command, folder) {
  const [port, web] = [await freePort(), await freePort()];
  const store = join(folder, 'mosquitto');
  mkdirSync(store);
  const user = process.getuid?.() === 0 ? ['user root'] : [];
  const lines = [
    ...user,
    'persistence true',
    `persistence_location ${store}/`,
    'max_queued_messages 0',
    'allow_anonymous true',
    `listener ${port} 127.0.0.1`,
    `listener ${web} 127.0.0.1`,
    'protocol websockets',
  ];
  writeFileSync(join(folder, 'mosquitto.conf'), `${lines.join('\n')}\n`);
  const server = await program(command, ['-c', join(folder, 'mosquitto.conf')], web);
  return { ...server, url: `ws://127.0.0.1:${web}`, tcp: `mqtt://127.0.0.1:${port}` };
}

/** A NATS server whose streams are on disk. */
export async function startNats(command, folder) {
  const [port, web] = [await freePort(), await freePort()];
  const conf = `host: "127.0.0.1"\nport: ${port}\njetstream { store_dir: "${join(folder, 'nats')}" }\nwebsocket { host: "127.0.0.1", port: ${web}, no_tls: true }\n`;
  writeFileSync(join(folder, 'nats.conf'), conf);
  const server = await program(command, ['-c', join(folder, 'nats.conf')], web);
  return { ...server, url: `ws://127.0.0.1:${web}` };
}

/** A server of events, which sends those after `Last-Event-ID`. */
export async function startEvents() {
  const port = await freePort();
  const events = [];
  const open = new Set();
  const send = (response, id) => response.write(`id: ${id}\ndata: {"n": ${events[id - 1]}}\n\n`);
  const answer = (request, response) => {
    const cors = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' };
    if (request.method === 'OPTIONS') return response.writeHead(204, cors).end();
    response.writeHead(200, { ...cors, 'Content-Type': 'text/event-stream' });
    response.write('retry: 50\n\n');
    for (let id = Number(request.headers['last-event-id'] ?? 0) + 1; id <= events.length; id++) send(response, id);
    open.add(response);
    response.on('close', () => open.delete(response));
  };
  let server;
  const start = async () => {
    server = createServer(answer).listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const stop = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  await start();
  return {
    url: `http://127.0.0.1:${port}/`,
    add(n) {
      events.push(n);
      for (const response of open) send(response, events.length);
    },
    stop,
    async restart() {
      await stop();
      await later(300);
      await start();
    },
  };
}

/** The clients of a folder's packages: `load` brings one here, `bundle` makes a module for pages. */
export function clients(folder) {
  const { resolve } = createRequire(join(folder, 'package.json'));
  return {
    load: (name) => import(resolve(name)),
    async bundle(outfile) {
      const { build } = createRequire(join(JS, 'package.json'))('esbuild');
      const contents = `export { default as mqtt } from 'mqtt';
        export { wsconnect } from '@nats-io/nats-core';
        export { jetstream } from '@nats-io/jetstream';`;
      const stdin = { contents, resolveDir: folder };
      await build({ stdin, outfile, bundle: true, format: 'esm', platform: 'browser', conditions: ['browser'], logLevel: 'error' });
    },
  };
}
