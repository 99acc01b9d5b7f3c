// A WebSocket server whose client says how far it is: for the tests of checkpoints.
import assert from 'node:assert/strict';
import { WebSocketServer } from 'ws';

const TICK_MS = 20;

/**
 * A server that numbers its events, sends on from where the other side says it is, and remembers what was acknowledged.
 * Events stop when `stop()` is called.
 */
export class NumberedEvents {
  acknowledged = 0;
  happened = 0;
  #running = true;
  #timers = new Set();

  constructor() {
    this.server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    this.timer = setInterval(() => {
      if (this.#running) this.happened += 3;
    }, TICK_MS);
    this.server.on('connection', (socket) => {
      let next;
      const send = () => {
        for (; next !== undefined && next < this.happened; next++) socket.send(JSON.stringify({ id: next, k: `k${next % 5}` }));
      };
      socket.on('message', (text) => {
        const { ack } = JSON.parse(String(text));
        assert.ok(ack >= this.acknowledged && ack <= this.happened, `${ack} after ${this.acknowledged} of ${this.happened}`);
        this.acknowledged = ack;
        next ??= ack;
      });
      const timer = setInterval(send, TICK_MS);
      this.#timers.add(timer);
      const end = () => {
        clearInterval(timer);
        this.#timers.delete(timer);
      };
      socket.on('close', end);
      socket.on('error', end);
    });
  }

  get url() {
    return `ws://localhost:${this.server.address().port}/`;
  }
  stop() {
    this.#running = false;
  }
  close() {
    clearInterval(this.timer);
    for (const timer of this.#timers) clearInterval(timer);
    for (const socket of this.server.clients) socket.terminate();
    this.server.close();
  }
}
