import { WorkerLoadError } from '../errors.js';
import { BUILD, ENGINE_BYTES, VERSION } from '../version.js';
import { type Assets, engineOf, HINT, STALE, urlOf } from './places.js';
import { Deadline, type Start } from './start_options.js';
import type { Violations } from './violations.js';

/** What tells a file from others: its first bytes. */
const HEAD_BYTES = 64;

/** What is known of the engine's file and of its download. */
export interface Download {
  url: string;
  /** The answer's status; 0 before there is one. */
  status: number;
  type: string;
  /** Bytes that have come, and their beginning. */
  bytes: number;
  head: Uint8Array;
  total: number | undefined;
  /** Whether nothing came for too long. */
  isSilent: boolean;
}

/** Fetches and compiles the engine once. Throws a WorkerLoadError that says what came in its place. */
export async function compileEngine(assets: Assets, start: Start, violations: Violations): Promise<WebAssembly.Module> {
  const found = assets.wasmModule ?? engineOf(assets);
  // A URL of Turbopack's is relative, against what its class promises.
  const url = found instanceof URL ? urlOf(found.href).href : 'the engine that comes with the bundle';
  const file: Download = { url, status: 0, type: '', bytes: 0, head: new Uint8Array(), total: undefined, isSilent: false };
  const silence = new AbortController();
  const deadline = new Deadline(() => silence.abort());
  const { signal } = start.options;
  try {
    if (found instanceof URL) {
      const signals = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
      return checked(await download(file, start, deadline, signals), url);
    }
    deadline.end();
    start.says('compile');
    return checked(await found, url);
  } catch (cause) {
    if (cause instanceof WorkerLoadError || signal?.aborted) throw cause;
    file.isSilent = silence.signal.aborted;
    throw await explained(file, cause, violations);
  } finally {
    deadline.end();
  }
}

/** The error of an engine that did not load. What finds the cause is loaded only now, and without it the error knows less. */
async function explained(file: Download, cause: unknown, violations: Violations): Promise<Error> {
  try {
    const { explain } = await import('./engine_faults.js');
    return await explain(file, cause, violations);
  } catch {
    return new WorkerLoadError(`The engine did not load: ${String(cause)}`, file.url, HINT, { reason: 'unknown', cause });
  }
}

async function download(file: Download, start: Start, deadline: Deadline, signal: AbortSignal): Promise<WebAssembly.Module> {
  start.says('download', 0, ENGINE_BYTES || undefined);
  const response = await fetch(file.url, { signal });
  file.status = response.status;
  file.type = response.headers.get('content-type') ?? '';
  file.total = bytesOf(response, file.url);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const note = (chunk: Uint8Array) => {
    if (file.head.length < HEAD_BYTES) file.head = joined([file.head, chunk.subarray(0, HEAD_BYTES)]);
    file.bytes += chunk.length;
    deadline.extend();
    start.sign();
    start.says('download', file.bytes, file.total);
  };
  // The browser keeps what it compiles of a response, and of bytes it does not. A server that knows no application/wasm is excused.
  const isStreamed = /^application\/wasm\b/i.test(file.type);
  const counted = isStreamed ? response.clone() : response;
  const compiled = isStreamed ? WebAssembly.compileStreaming(response) : undefined;
  compiled?.catch(() => {});
  const chunks: Uint8Array[] = [];
  const reader = counted.body!.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    note(next.value);
    if (!isStreamed) chunks.push(next.value);
  }
  deadline.end();
  start.says('compile');
  return compiled ?? WebAssembly.compile(joined(chunks));
}

/** The bytes that a response will have; undefined where they are not known. */
function bytesOf({ headers }: Response, url: string): number | undefined {
  const length = Number(headers.get('content-length'));
  if (length > 0 && !headers.get('content-encoding')) return length;
  return (new URL(url).pathname.endsWith('.wasm') && ENGINE_BYTES) || undefined;
}

function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(chunks.reduce((bytes, chunk) => bytes + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** The module, if it says that it goes with these scripts. */
function checked(module: WebAssembly.Module, url: string): WebAssembly.Module {
  if (BUILD === '') return module;
  const section = WebAssembly.Module.customSections(module, 'rivulet')[0];
  const [version, build] = section ? new TextDecoder().decode(section).split(' ') : [];
  if (build === BUILD) return module;
  const what = version === undefined ? 'another program' : `version ${version}, build ${build}`;
  throw new WorkerLoadError(`The engine is ${what}; the page runs version ${VERSION}, build ${BUILD}`, url, STALE, { reason: 'version' });
}
