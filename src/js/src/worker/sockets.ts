import type { Driver } from './engine.js';

type Events = Driver['socketEvent'];

/** The WebSockets of the driver, by the number that the engine chose for them. When to reconnect is the engine's decision. */
export class Sockets {
  readonly #open = new Map<number, WebSocket>();
  readonly #event: Events;

  constructor(event: Events) {
    this.#event = event;
  }

  /** Opens (or opens anew) socket number `socket`. A URL that is refused outright is an `error` and a `close` event. */
  open(socket: number, url: string, protocols: string): void {
    this.close(socket);
    let ws: WebSocket;
    try {
      ws = new WebSocket(url, protocols ? protocols.split(',').map((p) => p.trim()) : []);
    } catch (error) {
      queueMicrotask(() => {
        this.#event(socket, 'error', String(error));
        this.#event(socket, 'close', undefined);
      });
      return;
    }
    this.#open.set(socket, ws);
    ws.binaryType = 'arraybuffer';
    const current = () => this.#open.get(socket) === ws;
    ws.onopen = () => current() && this.#event(socket, 'open', undefined);
    ws.onerror = () => current() && this.#event(socket, 'error', `WebSocket ${url} failed`);
    ws.onclose = (event) => {
      if (!current()) return;
      this.#open.delete(socket);
      this.#event(socket, 'close', `${event.code} ${event.reason}`.trim());
    };
    ws.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (!current()) return;
      if (typeof event.data === 'string') this.#event(socket, 'text', event.data);
      else this.#event(socket, 'binary', new Uint8Array(event.data));
    };
  }

  /** Sends text; silently nothing when the socket is not open (the engine learns of that by its `close`). */
  send(socket: number, text: string): void {
    const ws = this.#open.get(socket);
    if (ws?.readyState === WebSocket.OPEN) ws.send(text);
  }

  /** Closes without further events. */
  close(socket: number): void {
    const ws = this.#open.get(socket);
    this.#open.delete(socket);
    ws?.close();
  }
}
