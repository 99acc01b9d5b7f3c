import type { PortMessage } from '../protocol.js';

/** The buffers of a message, each once: wasm-bindgen hands out copies, so all of them may be moved. */
function buffersOf(arrays: Uint8Array[]): ArrayBuffer[] {
  return [...new Set(arrays.filter((a) => a.byteLength > 0).map((a) => a.buffer as ArrayBuffer))];
}

/** Sends `{header, blobs}` without copying. */
export function sendBlocks(port: MessagePort, header: Uint8Array, blobs: Uint8Array[]): void {
  const message: PortMessage = { header, blobs };
  port.postMessage(message, buffersOf([header, ...blobs]));
}

/** Sends a message to the page, moving the arrays it holds. */
export function sendToPage(message: object, arrays: Uint8Array[] = []): void {
  postMessage(message, { transfer: buffersOf(arrays) });
}

/** Calls `receive` for each message of the port. */
export function listen(port: MessagePort, receive: (message: PortMessage) => void): void {
  port.onmessage = (event: MessageEvent<PortMessage>) => receive(event.data);
}
