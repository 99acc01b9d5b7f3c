/** Streams that the page itself hears: WebSockets and server-sent events. */

/** Events of types of their own are heard only if the option `event` names theirs: a browser's `EventSource` hands on no others. */
const USUAL_EVENT = 'message';
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/**
 * Hears a server and hands on each message as one or more records; connects again when the line breaks. What a server sends meanwhile
 * is lost, but for events of a server that honours `Last-Event-ID`. Returns a function that ends it.
 */
export function listen(
  format: 'websocket' | 'sse',
  url: string,
  event: string | undefined,
  take: (records: Uint8Array) => void,
): () => void {
  if (format === 'sse') return listenToEvents(url, event, take);
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waitMs = FIRST_WAIT_MS;
  const connect = () => {
    socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      waitMs = FIRST_WAIT_MS;
      take(typeof data === 'string' ? bytesOf(data) : new Uint8Array(data));
    };
    socket.onclose = () => {
      timer = setTimeout(connect, waitMs);
      waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
    };
  };
  connect();
  return () => {
    clearTimeout(timer);
    if (!socket) return;
    socket.onclose = null;
    socket.close();
  };
}

function listenToEvents(url: string, event: string | undefined, take: (records: Uint8Array) => void): () => void {
  const source = new EventSource(url);
  const hear = ({ data }: MessageEvent<string>) => take(bytesOf(data));
  source.addEventListener(event ?? USUAL_EVENT, hear);
  return () => source.close();
}

const bytesOf = (text: string) => new TextEncoder().encode(text.endsWith('\n') ? text : `${text}\n`);
