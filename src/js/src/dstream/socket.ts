/** What a WebSocket sends. */
import { SparkError } from '../errors.js';

/** First pause before a lost WebSocket is opened again, doubled up to the last; ms. */
const RECONNECT_MS = [250, 30_000] as const;

/** As far as it is used here; Chromium has it. */
interface WebSocketStreaming {
  opened: Promise<{ readable: ReadableStream<unknown> }>;
  closed: Promise<unknown>;
  close(): void;
}
declare const WebSocketStream: (new (url: string, options: { signal: AbortSignal }) => WebSocketStreaming) | undefined;

interface Connection {
  messages: ReadableStream<unknown>;
  close(): void;
}

/** Messages wait here, however many, until they are read. */
function buffered(url: string, signal: AbortSignal): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    const close = () => {
      socket.close();
    };
    signal.addEventListener('abort', close, { once: true });
    const messages = new ReadableStream<unknown>({
      start: (queue) => {
        socket.onmessage = ({ data }) => queue.enqueue(data);
        socket.onclose = () => {
          signal.removeEventListener('abort', close);
          queue.close();
          reject(new Error(url));
        };
      },
      cancel: close,
    });
    socket.onopen = () => resolve({ messages, close });
  });
}

/** The sender is held back while nobody reads. */
async function held(url: string, signal: AbortSignal): Promise<Connection> {
  const stream = new WebSocketStream!(url, { signal });
  stream.closed.catch(() => {});
  return { messages: (await stream.opened).readable, close: () => stream.close() };
}

/**
 * The messages of a WebSocket, which is opened again, with growing pauses, when it is lost; `lost` is called each time. Where there is `slow`
 * reading, the sender is held back meanwhile if the browser can do that (`WebSocketStream`); else messages wait in memory.
 */
export async function* socketMessages(
  url: string,
  slow: boolean,
  signal: AbortSignal,
  lost: (error: Error) => void,
): AsyncGenerator<unknown, void, undefined> {
  const connect = slow && typeof WebSocketStream !== 'undefined' ? held : buffered;
  let pause: number = RECONNECT_MS[0];
  while (!signal.aborted) {
    let connection: Connection | undefined;
    const close = () => connection?.close();
    signal.addEventListener('abort', close, { once: true });
    try {
      connection = await connect(url, signal);
      pause = RECONNECT_MS[0];
      const reader = connection.messages.getReader();
      for (let next = await reader.read(); !next.done && !signal.aborted; next = await reader.read()) yield next.value;
    } catch {
      // It could not be opened, or broke: so it is opened again.
    } finally {
      signal.removeEventListener('abort', close);
      close();
    }
    if (signal.aborted) return;
    lost(new SparkError(`${url} is closed; opening it again in ${pause} ms`, { condition: 'RIVULET_SOCKET_CLOSED' }));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pause);
      signal.addEventListener(
        'abort',
        () => {
          clearTimeout(timer);
          resolve();
        },
        { once: true },
      );
    });
    pause = Math.min(pause * 2, RECONNECT_MS[1]);
  }
}
