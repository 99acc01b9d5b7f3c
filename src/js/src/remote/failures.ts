/** What a server says of errors, as the client's errors. */
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { Code, type ConnectError } from '@connectrpc/connect';
import type { FetchErrorDetailsResponse } from '../generated/remote/spark/connect/base_pb.js';
import type { WireError } from '../protocol.js';

/** Classes of Spark that the client calls otherwise, or has more general ones for. */
const PREFIX = /^Spark(?=Arithmetic|DateTime|NumberFormat|ArrayIndexOutOfBounds|IllegalArgument|UnsupportedOperation)/;
/** Classes of errors that the client has. */
const KNOWN = new Set([
  'AnalysisException',
  'ParseException',
  'TempTableAlreadyExistsException',
  'StreamingQueryException',
  'ArithmeticException',
  'DateTimeException',
  'NumberFormatException',
  'ArrayIndexOutOfBoundsException',
  'IllegalArgumentException',
  'SparkNoSuchElementException',
  'UnsupportedOperationException',
  'SparkUpgradeException',
  'SparkRuntimeException',
]);

/** An error that stands for itself, and is not to be read from a server's answer. */
export class RemoteFailure extends Error {
  constructor(readonly wire: WireError) {
    super(wire.message);
    this.name = wire.exception;
  }
}

/** Makes the error of an operation that only the engine in the page has. */
export function notThere(what: string): RemoteFailure {
  const message = `${what} in the page, and not on a Spark cluster: use a session with master('local[*]') for it.`;
  return new RemoteFailure(failure('UnsupportedOperationException', 'RIVULET_NOT_ON_A_CLUSTER', message));
}

/** Makes an error of the client's own. */
export function failure(exception: string, condition: string, message: string): WireError {
  return { exception, condition, sqlState: null, message: `[${condition}] ${message}`, parameters: {} };
}

/** Returns the facts of google.rpc.ErrorInfo that an error carries: Spark's, by name. */
export function factsOf(error: ConnectError): Record<string, string> {
  const facts: Record<string, string> = {};
  for (const detail of error.details) {
    if (!('type' in detail) || detail.type !== 'google.rpc.ErrorInfo' || !(detail.value instanceof Uint8Array)) continue;
    const reader = new BinaryReader(detail.value);
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (field !== 3) {
        reader.skip(wireType, field);
        continue;
      }
      const end = reader.uint32() + reader.pos;
      let [key, value] = ['', ''];
      while (reader.pos < end) {
        const [part, type] = reader.tag();
        if (part === 1) key = reader.string();
        else if (part === 2) value = reader.string();
        else reader.skip(type, part);
      }
      facts[key] = value;
    }
  }
  return facts;
}

/** Returns the value of JSON that a server sent, or what stands for one that cannot be read. */
function read<T>(json: string | undefined, otherwise: T): T {
  try {
    return (JSON.parse(json ?? '') as T) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Returns the first class that the client has, of those that an error is of. */
const classOf = (names: readonly string[]): string =>
  names.map((name) => (name.split('.').at(-1) ?? '').replace(PREFIX, '')).find((name) => KNOWN.has(name)) ?? 'SparkError';

/** Returns an error of Spark's, by what came with it, and by what the server answered when it was asked for more. */
export function sparkError(error: ConnectError, facts: Record<string, string>, more: FetchErrorDetailsResponse | undefined): WireError {
  const root = more?.errors[more.rootErrorIdx ?? -1];
  const thrown = root?.sparkThrowable;
  return {
    exception: classOf(root?.errorTypeHierarchy ?? read<string[]>(facts['classes'], [])),
    condition: thrown?.errorClass || facts['errorClass'] || null,
    sqlState: thrown?.sqlState || facts['sqlState'] || null,
    message: root?.message || error.rawMessage,
    parameters: { ...read<Record<string, string>>(facts['messageParameters'], {}), ...thrown?.messageParameters },
  };
}

/** What can be done about a server that does not answer, or does not let this client in. */
function remedy(code: Code, url: string): string {
  const origin = (globalThis as { location?: { origin?: string } }).location?.origin;
  switch (code) {
    case Code.Unauthenticated:
      return 'Name the token in the connection string: sc://host:port/;token=…';
    case Code.PermissionDenied:
      return 'The server does not let this user, or this page, in.';
    default:
      return origin === undefined
        ? `Is a Spark Connect server listening at ${url}?`
        : `A page reaches a Spark Connect server through a gateway that speaks gRPC-Web and lets the page in, such as rivulet-gateway --spark HOST:PORT --origin ${origin}. Is one listening at ${url}?`;
  }
}

/** Returns the error for a call that did not reach Spark, or was refused on the way. */
export function transportError(error: ConnectError, url: string): WireError {
  const condition = { [Code.Unauthenticated]: 'RIVULET_REMOTE_UNAUTHENTICATED', [Code.PermissionDenied]: 'RIVULET_REMOTE_REFUSED' }[
    error.code as number
  ];
  const message = `The Spark cluster at ${url} cannot be used: ${error.rawMessage}. ${remedy(error.code, url)}`;
  return failure('SparkConnectGrpcException', condition ?? 'RIVULET_REMOTE_UNREACHABLE', message);
}

/** Whether a call may succeed when it is made again: the line broke, or the server is busy. */
export function isPassing(error: ConnectError): boolean {
  return error.code === Code.Unavailable || (error.cause instanceof TypeError && error.details.length === 0);
}
