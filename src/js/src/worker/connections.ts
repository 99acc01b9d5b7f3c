import type { Driver } from './engine.js';

type Events = Driver['connectionEvent'];

/** One connection that is open or opening; closed at most once, without further events. */
interface Connection {
  send(text: string): void;
  close(): void;
}

/** The connections of streaming sources, by the number that the engine chose. When to reconnect is the engine's decision. */
export class Connections {
  readonly #open = new Map<number, Connection>();
  readonly #event: Events;

  constructor(event: Events) {
    this.#event = event;
  }

  /** Opens (or opens anew) a WebSocket. A URL that is refused outright is an `error` and a `close` event. */
  openSocket(id: number, url: string): void {
    this.close(id);
    let ws: WebSocket;
    try {
      ws = new WebSocket(url);
    } catch (error) {
      queueMicrotask(() => {
        this.#event(id, 'error', String(error));
        this.#event(id, 'close', undefined);
      });
      return;
    }
    ws.binaryType = 'arraybuffer';
    const connection: Connection = {
      send: (text) => ws.readyState === WebSocket.OPEN && ws.send(text),
      close: () => ws.close(),
    };
    this.#open.set(id, connection);
    const current = () => this.#open.get(id) === connection;
    ws.onopen = () => current() && this.#event(id, 'open', undefined);
    ws.onerror = () => current() && this.#event(id, 'error', `WebSocket ${url} failed`);
    ws.onclose = (event) => {
      if (!current()) return;
      this.#open.delete(id);
      this.#event(id, 'close', `${event.code} ${event.reason}`.trim());
    };
    ws.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (!current()) return;
      if (typeof event.data === 'string') this.#event(id, 'text', event.data);
      else this.#event(id, 'binary', new Uint8Array(event.data));
    };
  }

  /** Sends a GET request and hands its response on piece by piece: `open` with the status, `binary`s, `close`. */
  openResponse(id: number, url: string, headers: [string, string][]): void {
    this.close(id);
    const abort = new AbortController();
    const connection: Connection = { send: () => undefined, close: () => abort.abort() };
    this.#open.set(id, connection);
    const current = () => this.#open.get(id) === connection;
    const read = async () => {
      const response = await fetch(url, { headers, signal: abort.signal, cache: 'no-store' });
      if (current()) this.#event(id, 'open', response.status);
      const body = response.body?.getReader();
      while (body && current()) {
        const { done, value } = await body.read();
        if (done) break;
        if (current()) this.#event(id, 'binary', value);
      }
    };
    read()
      .catch((error: unknown) => void (current() && this.#event(id, 'error', String(error))))
      .finally(() => {
        if (!current()) return;
        this.#open.delete(id);
        this.#event(id, 'close', undefined);
      });
  }

  /** Sends text over a WebSocket; does nothing when it is not open (the engine learns of that by its `close`). */
  send(id: number, text: string): void {
    this.#open.get(id)?.send(text);
  }

  /** Closes without further events. */
  close(id: number): void {
    const connection = this.#open.get(id);
    this.#open.delete(id);
    connection?.close();
  }
}
