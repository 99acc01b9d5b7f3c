import { WorkerLoadError } from '../errors.js';
import { BUILD, ENGINE_BYTES, VERSION } from '../version.js';
import { type Assets, engineOf, hintFor } from './places.js';
import { Deadline, SILENCE_MS, type Start } from './start_options.js';
import type { Violations } from './violations.js';

/** What tells a file from others: its first bytes. */
const HEAD_BYTES = 64;

/** What has come of a file. */
interface Seen {
  bytes: number;
  head: Uint8Array;
}

/** Fetches and compiles the engine once. Throws a WorkerLoadError that says what came in its place. */
export async function compileEngine(assets: Assets, start: Start, violations: Violations): Promise<WebAssembly.Module> {
  const found = assets.wasmModule ?? engineOf(assets);
  if (!(found instanceof URL)) {
    start.says('compile');
    return checked(await found, 'the engine that was given');
  }
  const silence = new AbortController();
  const deadline = new Deadline(() => silence.abort());
  const seen: Seen = { bytes: 0, head: new Uint8Array() };
  const { signal } = start.options;
  try {
    const signals = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
    return checked(await download(found, start, seen, deadline, signals), found.href);
  } catch (cause) {
    if (cause instanceof WorkerLoadError || signal?.aborted) throw cause;
    if (silence.signal.aborted) throw silent(found.href, seen.bytes, cause);
    throw await refused(found.href, cause, violations);
  } finally {
    deadline.end();
  }
}

async function download(url: URL, start: Start, seen: Seen, deadline: Deadline, signal: AbortSignal): Promise<WebAssembly.Module> {
  const { href } = url;
  start.says('download', 0, ENGINE_BYTES || undefined);
  const response = await fetch(url, { signal });
  if (!response.ok)
    throw new WorkerLoadError(`The engine could not be fetched: HTTP ${response.status}`, href, hintFor(href), { reason: 'missing' });
  const total = bytesOf(response, url);
  const type = response.headers.get('content-type') ?? '';
  const note = (chunk: Uint8Array) => {
    if (seen.head.length < HEAD_BYTES) seen.head = joined([seen.head, chunk.subarray(0, HEAD_BYTES)]);
    seen.bytes += chunk.length;
    deadline.extend();
    start.sign();
    start.says('download', seen.bytes, total);
  };
  // The browser keeps what it compiles of a response, and of bytes it does not. A server that knows no application/wasm is excused.
  const isStreamed = /^application\/wasm\b/i.test(type);
  const counted = isStreamed ? response.clone() : response;
  const compiled = isStreamed ? WebAssembly.compileStreaming(response) : undefined;
  compiled?.catch(() => {});
  const chunks: Uint8Array[] = [];
  try {
    const reader = counted.body!.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      note(next.value);
      if (!isStreamed) chunks.push(next.value);
    }
    deadline.end();
    start.says('compile');
    return await (compiled ?? WebAssembly.compile(joined(chunks)));
  } catch (cause) {
    throw signal.aborted ? cause : (foreign(href, seen, total, type, cause) ?? cause);
  }
}

/** The bytes that a response will have; undefined where they are not known. */
function bytesOf({ headers }: Response, { pathname }: URL): number | undefined {
  const length = Number(headers.get('content-length'));
  if (length > 0 && !headers.get('content-encoding')) return length;
  return (pathname.endsWith('.wasm') && ENGINE_BYTES) || undefined;
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

/** An error for what is not the engine, or not all of it. */
function foreign(url: string, { bytes, head }: Seen, total: number | undefined, type: string, cause: unknown): WorkerLoadError | undefined {
  const text = new TextDecoder('latin1').decode(head).trimStart();
  if (/^</.test(text) || /^text\/html\b/i.test(type)) {
    const message =
      'The server sent a page (HTML) in place of the engine, as servers of single-page applications do for files they do not have';
    return new WorkerLoadError(message, url, hintFor(url), { reason: 'html', cause });
  }
  if (text.startsWith('version https://git-lfs')) {
    const hint = 'Fetch the file itself before you deploy: git lfs pull.';
    return new WorkerLoadError('The server has only a pointer of Git LFS in place of the engine', url, hint, { reason: 'content', cause });
  }
  const whole = ENGINE_BYTES || total;
  if (whole !== undefined && bytes < whole && (text === '' || text.startsWith('\0asm'))) {
    const message = `Only ${bytes} of the engine's ${whole} bytes have come`;
    const hint = 'The connection broke off, or the file on the server is cut off: try again, then copy engine_bg.wasm there once more.';
    return new WorkerLoadError(message, url, hint, { reason: 'truncated', cause });
  }
  if (head.length > 3 && !text.startsWith('\0asm')) {
    const message = `What came (${bytes} bytes of ${type || 'no type'}) is not WebAssembly`;
    return new WorkerLoadError(message, url, hintFor(url), { reason: 'content', cause });
  }
  return undefined;
}

function silent(url: string, bytes: number, cause: unknown): WorkerLoadError {
  const message = `No byte of the engine came for ${SILENCE_MS / 1000} s, after ${bytes} bytes`;
  return new WorkerLoadError(message, url, 'The server or the connection hangs: try again.', { reason: 'timeout', cause });
}

/** An error for what the browser did not fetch or did not compile. */
async function refused(url: string, cause: unknown, violations: Violations): Promise<WorkerLoadError> {
  const { origin } = new URL(url);
  const found = await violations.find(
    ({ directive, blocked }) => blocked === 'wasm-eval' || (directive === 'connect-src' && url.startsWith(blocked)),
  );
  if (found) {
    const isEval = found.blocked === 'wasm-eval';
    const wanted = isEval ? "'wasm-unsafe-eval' in script-src" : `${origin === location.origin ? "'self'" : origin} in connect-src`;
    const message = `The page's Content-Security-Policy (${found.directive}) refuses ${isEval ? 'to compile' : 'to fetch'} the engine`;
    return new WorkerLoadError(message, url, `It needs ${wanted}.`, { reason: 'csp', cause });
  }
  if (cause instanceof WebAssembly.CompileError) {
    const hint = 'The file is damaged, or this browser is older than Chromium 116, Firefox 124 and Safari 17.4.';
    return new WorkerLoadError(`The engine could not be compiled: ${cause.message}`, url, hint, { reason: 'content', cause });
  }
  const hint =
    origin === location.origin
      ? 'Check the connection and the server.'
      : 'Its server must allow this page (Access-Control-Allow-Origin), and be reachable.';
  return new WorkerLoadError(`The engine could not be fetched: ${String(cause)}`, url, hint, { reason: 'network', cause });
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

/** What to do where files are of two builds. */
export const STALE = 'Take all files from one copy of the package, and clear stale caches (of the server, a service worker, the browser).';
