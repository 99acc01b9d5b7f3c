import { type ClientHttp2Session, connect, constants } from 'node:http2';
import type { Wire } from '../src/cluster/connection.js';
import * as errors from '../src/errors.js';
import type { FromDriver, ToDriver, WireError } from '../src/protocol.js';

/** Protobuf's wire format, as much of it as google.rpc.Status needs: fields by number, length-delimited ones only. */
function fields(bytes: Uint8Array): Map<number, Uint8Array[]> {
  const found = new Map<number, Uint8Array[]>();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    if ((tag & 7) === 0) varint();
    else {
      const length = varint();
      found.set(tag >>> 3, [...(found.get(tag >>> 3) ?? []), bytes.subarray(at, at + length)]);
      at += length;
    }
  }
  return found;
}

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes ?? new Uint8Array());

/** A Spark Connect server's error: google.rpc.Status with an ErrorInfo whose metadata has Spark's facts. */
function errorOf(message: string, details: string | undefined): WireError {
  const metadata: Record<string, string> = {};
  for (const any of fields(Buffer.from(details ?? '', 'base64')).get(3) ?? []) {
    const { 1: [type] = [], 2: [value] = [] } = Object.fromEntries(fields(any)) as Record<number, Uint8Array[]>;
    if (!text(type).endsWith('ErrorInfo')) continue;
    for (const entry of fields(value ?? new Uint8Array()).get(3) ?? []) {
      const pair = fields(entry);
      metadata[text(pair.get(1)?.[0])] = text(pair.get(2)?.[0]);
    }
  }
  const classes = (JSON.parse(metadata['classes'] ?? '[]') as string[]).map((name) => name.split('.').at(-1) as string);
  return {
    exception:
      classes
        .map((name) => name.replace(/^Spark(?=Arithmetic|DateTime|NumberFormat|ArrayIndex|IllegalArgument|Unsupported)/, ''))
        .find((name) => name in errors) ?? 'SparkError',
    condition: metadata['errorClass'] || null,
    sqlState: metadata['sqlState'] || null,
    message,
    parameters: JSON.parse(metadata['messageParameters'] ?? '{}') as Record<string, string>,
  };
}

/** The client's wire over gRPC instead of a MessagePort: to Spark itself, or to this engine built natively. */
export class GrpcWire implements Wire {
  readonly #session: ClientHttp2Session;
  readonly #streams = new Map<number, { close(code: number): void }>();

  constructor(
    remote: string,
    private readonly receive: (message: FromDriver) => void,
  ) {
    this.#session = connect(`http://${remote}`);
  }

  post(message: ToDriver): void {
    if (message.t === 'cancel') this.#streams.get(message.id)?.close(constants.NGHTTP2_CANCEL);
    if (message.t !== 'req') return;
    const { id, method, bytes } = message;
    const stream = this.#session.request({
      ':method': 'POST',
      ':path': `/spark.connect.SparkConnectService/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    this.#streams.set(id, stream);
    let buffered = Buffer.alloc(0);
    let trailers: Record<string, unknown> = {};
    const note = (headers: Record<string, unknown>) => {
      if ('grpc-status' in headers) trailers = headers;
    };
    stream.on('response', note);
    stream.on('trailers', note);
    stream.on('data', (chunk: Buffer) => {
      buffered = Buffer.concat([buffered, chunk]);
      while (buffered.length >= 5 && buffered.length >= 5 + buffered.readUInt32BE(1)) {
        const length = buffered.readUInt32BE(1);
        this.receive({ t: 'res', id, bytes: Uint8Array.from(buffered.subarray(5, 5 + length)) });
        buffered = buffered.subarray(5 + length);
      }
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      this.#streams.delete(id);
      if (String(trailers['grpc-status']) === '0') return this.receive({ t: 'end', id });
      const details = trailers['grpc-status-details-bin'] as string | undefined;
      const said = decodeURIComponent(String(trailers['grpc-message'] ?? 'the connection was closed'));
      this.receive({ t: 'err', id, error: errorOf(said, details) });
    });
    const header = Buffer.alloc(5);
    header.writeUInt32BE(bytes.byteLength, 1);
    stream.end(Buffer.concat([header, bytes]));
  }

  close(): void {
    this.#session.close();
  }
}
