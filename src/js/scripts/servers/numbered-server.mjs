// A WebSocket server whose client says how far it is: for the tests of checkpoints, and for chaos.
import assert from 'node:assert/strict';
import { WebSocketServer } from 'ws';

const TICK_MS = 20;

/**
 * A server that numbers its events, sends on from where the other side says it is, and remembers what was acknowledged.
 * Events stop when `stop()` is called.
 */
export class NumberedEvents {
  acknowledged = 0;
  /** All events, in their order. */
  events = [];
  /** How many of them were sent at least once. */
  sent = 0;
  #running = true;
  #down = false;
  #timers = new Set();

  /** `make` makes the event of a number, `perTick` says how many happen in 20 ms, `broken` hears of wrong acknowledgements. */
  constructor({ make = (id) => ({ id, k: `k${id % 5}` }), perTick = () => 3, broken = assert.fail } = {}) {
    this.make = make;
    this.broken = broken;
    this.server = new WebSocketServer({ port: 0, host: '127.0.0.1', verifyClient: () => !this.#down });
    this.timer = setInterval(() => {
      if (this.#running) this.happen(perTick());
    }, TICK_MS);
    this.server.on('connection', (socket) => this.#serve(socket));
  }

  #serve(socket) {
    let next;
    let last;
    const send = () => {
      for (; next !== undefined && next < this.happened; next++) socket.send(JSON.stringify(this.events[next]));
      this.sent = Math.max(this.sent, next ?? 0);
    };
    socket.on('message', (text) => {
      const { ack } = JSON.parse(String(text));
      // What a connection says first is what is durable: as much as any connection before it has acknowledged.
      const least = last ?? this.acknowledged;
      if (!(ack >= least && ack <= this.sent)) this.broken(`acknowledged ${ack} after ${least}, ${this.sent} were sent`);
      this.acknowledged = Math.max(this.acknowledged, ack);
      last = ack;
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
  }

  get happened() {
    return this.events.length;
  }
  get url() {
    return `ws://localhost:${this.server.address().port}/`;
  }
  /** Lets a number of events happen now. */
  happen(count) {
    for (let n = 0; n < count; n++) this.events.push(this.make(this.events.length));
  }
  /** Cuts all connections, and refuses new ones until `up()`. */
  down() {
    this.#down = true;
    for (const socket of this.server.clients) socket.terminate();
  }
  up() {
    this.#down = false;
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
