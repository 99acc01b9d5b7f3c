// The engine's file says which build it is, so that a page with files of two builds is an error that says so.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifest } from './bundle.mjs';

/** A number for the engine in a folder: the same for the same engine and glue, and no other. */
export function buildOf(folder) {
  const hash = createHash('sha256');
  for (const name of ['engine.js', 'engine_bg.wasm']) hash.update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 16);
}

/** An unsigned number as WebAssembly writes it. */
function leb128(number) {
  const bytes = [];
  for (let rest = number; ; rest >>>= 7) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest & 127) | 128);
  }
}

/** The same module with a section more, `rivulet`, which holds version and build: `src/js/src/cluster/engine_file.ts` reads it. */
export function signed(wasm, build) {
  const name = Buffer.from('rivulet');
  const text = Buffer.from(`${manifest.version} ${build}`);
  const content = Buffer.concat([Buffer.from(leb128(name.length)), name, text]);
  return Buffer.concat([wasm, Buffer.from([0, ...leb128(content.length)]), content]);
}
