// A WebSocket server that sends more than its clients can take.
import { WebSocketServer } from 'ws';

const BYTES_A_SECOND = 13e6;
const EVENT_BYTES = 1_000;

/** Sends numbered events from where the other side says; the numbers that were acknowledged never go back. */
export class Flood {
  sent = 0;
  acknowledged = 0;
  opened = 0;
  stopped = false;

  constructor() {
    this.server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    this.server.on('connection', (socket) => this.#serve(socket));
  }

  async #serve(socket) {
    this.opened += 1;
    let next = null;
    socket.on('message', (text) => {
      const { ack } = JSON.parse(text);
      if (ack < this.acknowledged) throw new Error(`acknowledged ${ack} after ${this.acknowledged}`);
      this.acknowledged = ack;
      next ??= ack;
    });
    const padding = 'x'.repeat(EVENT_BYTES - 30);
    const tickMs = 20;
    const perTick = (BYTES_A_SECOND / EVENT_BYTES) * (tickMs / 1_000);
    while (socket.readyState === socket.OPEN) {
      if (next !== null && socket.bufferedAmount < 4e6 && !(this.stopped && next >= this.sent)) {
        for (let n = 0; n < perTick && !(this.stopped && next >= this.sent); n++) socket.send(`{"id":${next++},"p":"${padding}"}`);
        this.sent = Math.max(this.sent, next);
      }
      await new Promise((go) => setTimeout(go, tickMs));
    }
  }
}
