// Where things are: the folders every script needs, in one place.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** src/js */
export const JS = resolve(dirname(fileURLToPath(import.meta.url)), '..');
/** The repository. */
export const ROOT = resolve(JS, '../..');
/** The assembled npm package (git-ignored). */
export const PKG = process.env.RIVULET_PKG_DIR ?? join(ROOT, 'pkg');
/** Tools and data that survive a clean. */
export const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'rivulet');
/** The wasm-bindgen output: engine.js and engine_bg.wasm. */
export const WASM = process.env.RIVULET_WASM_DIR ?? join(CACHE, 'wasm');
/** The browser that tests, demo and bench drive. */
export const CHROMIUM = process.env.RIVULET_CHROMIUM ?? '/usr/bin/chromium';
/** Flags for it: no GPU, no sandbox (containers), no traffic of its own. */
export const CHROMIUM_FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The folder of Spark Connect's .proto files: RIVULET_PROTO_DIR, or asked from cargo. */
export function protoDir() {
  const given = process.env.RIVULET_PROTO_DIR;
  if (given) {
    if (!existsSync(join(given, 'spark/connect/base.proto'))) {
      throw new Error(`RIVULET_PROTO_DIR=${given} has no spark/connect/base.proto`);
    }
    return given;
  }
  const text = execFileSync('cargo', ['metadata', '--format-version', '1', '--offline'], {
    cwd: ROOT,
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  }).toString();
  const found = JSON.parse(text).packages.find((p) => p.name === 'apache-spark-connect-proto');
  if (!found) throw new Error('cargo metadata lists no apache-spark-connect-proto; set RIVULET_PROTO_DIR');
  return join(dirname(found.manifest_path), 'proto');
}
