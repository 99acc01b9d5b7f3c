import type { PortMessage } from '../protocol.js';

/** The array itself if its buffer holds nothing else, else a copy: a part of the engine's memory must never be moved. */
function owned(array: Uint8Array): Uint8Array {
  return array.byteLength === array.buffer.byteLength ? array : array.slice();
}

function buffersOf(arrays: Uint8Array[]): ArrayBuffer[] {
  return [...new Set(arrays.filter((a) => a.byteLength > 0).map((a) => a.buffer as ArrayBuffer))];
}

/** Sends `{header, blobs}` without copying. */
export function sendBlocks(port: MessagePort, header: Uint8Array, blobs: Uint8Array[]): void {
  const message: PortMessage = { header: owned(header), blobs: blobs.map(owned) };
  port.postMessage(message, buffersOf([message.header, ...message.blobs]));
}

/** Sends a message to the page, moving those of the arrays in it that own their buffers. */
export function sendToPage(message: object, arrays: Uint8Array[] = []): void {
  postMessage(message, { transfer: buffersOf(arrays.filter((array) => owned(array) === array)) });
}

/** Calls `receive` for each message of the port. */
export function listen(port: MessagePort, receive: (message: PortMessage) => void): void {
  port.onmessage = (event: MessageEvent<PortMessage>) => receive(event.data);
}
