/**
 * Arrow IPC streams as bytes. A stream is a row of messages, each `FFFFFFFF`, length of metadata, metadata (a flatbuffer),
 * body; it ends with a message of length 0.
 */
interface IpcMessage {
  isSchema: boolean;
  start: number;
  end: number;
}

const CONTINUATION = 0xffffffff;
const SCHEMA_HEADER = 1;

function* messagesOf(stream: Uint8Array): Generator<IpcMessage> {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  let at = 0;
  while (at + 8 <= stream.byteLength && view.getUint32(at, true) === CONTINUATION) {
    const metadataLength = view.getInt32(at + 4, true);
    if (metadataLength === 0) return;
    const metadata = at + 8;
    const { headerType, bodyLength } = messageTable(view, metadata);
    const end = metadata + metadataLength + bodyLength;
    yield { isSchema: headerType === SCHEMA_HEADER, start: at, end };
    at = end;
  }
}

/** `header_type` (second field) and `bodyLength` (fourth) of the flatbuffer table Message. */
function messageTable(view: DataView, metadata: number): { headerType: number; bodyLength: number } {
  const table = metadata + view.getInt32(metadata, true);
  const vtable = table - view.getInt32(table, true);
  const vtableLength = view.getUint16(vtable, true);
  const offsetOf = (field: number) => (4 + 2 * field < vtableLength ? view.getUint16(vtable + 4 + 2 * field, true) : 0);
  const type = offsetOf(1);
  const body = offsetOf(3);
  return {
    headerType: type ? view.getUint8(table + type) : 0,
    bodyLength: body ? Number(view.getBigInt64(table + body, true)) : 0,
  };
}

/** The message of a stream that says what its columns are; undefined if it does not begin with one that can be read. */
export function headOf(stream: Uint8Array): Uint8Array | undefined {
  try {
    const { value } = messagesOf(stream).next();
    return value?.isSchema ? stream.subarray(value.start, value.end) : undefined;
  } catch {
    return undefined;
  }
}

/** One stream with the batches of all `streams`, which must have the same schema. */
export function joinStreams(streams: readonly Uint8Array[]): Uint8Array {
  if (streams.length === 1) return streams[0] as Uint8Array;
  const pieces: Uint8Array[] = [];
  streams.forEach((stream, index) => {
    for (const { isSchema, start, end } of messagesOf(stream)) {
      if (index === 0 || !isSchema) pieces.push(stream.subarray(start, end));
    }
  });
  pieces.push(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0));
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.byteLength;
  }
  return joined;
}
