// The engine's file says which build it is, so that a page with files of two builds is an error that says so.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { manifest } from './bundle.mjs';

/** The parts of an engine that is cut in two. */
const [FIRST, REST] = ['engine_first.wasm', 'engine_rest.wasm'];
/** A module with nothing in it. */
const NOTHING = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

/** A number for the engine in a folder: the same for the same engine and glue, and no other. */
export function buildOf(folder) {
  const hash = createHash('sha256');
  for (const name of ['engine.js', 'engine_bg.wasm', FIRST, REST]) {
    if (existsSync(join(folder, name))) hash.update(readFileSync(join(folder, name)));
  }
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

/**
 * The parts of the engine in a folder, which say their build: what a page starts with, the rest, and the whole for a page that cannot
 * fetch more. Bundlers look for both parts, so an engine that is not cut has a rest with nothing in it.
 */
export function partsOf(folder, build) {
  const read = (name) => readFileSync(join(folder, name));
  const whole = read('engine_bg.wasm');
  if (!existsSync(join(folder, FIRST))) return { first: signed(whole, build), rest: signed(NOTHING, build), whole: signed(whole, build) };
  return { first: signed(read(FIRST), build), rest: signed(read(REST), build), whole: signed(nameless(whole), build) };
}

/** A module without the names of its functions, which only tools read. */
function nameless(wasm) {
  const parts = [wasm.subarray(0, 8)];
  for (let at = 8; at < wasm.length; ) {
    const from = at;
    let [length, shift] = [0, 0];
    at += 1;
    for (let more = true; more; shift += 7) {
      more = wasm[at] > 127;
      length += (wasm[at] & 127) * 2 ** shift;
      at += 1;
    }
    // A custom section: its name stands first.
    const isNames = wasm[from] === 0 && wasm.toString('latin1', at, at + 5) === '\u0004name';
    at += length;
    if (!isNames) parts.push(wasm.subarray(from, at));
  }
  return Buffer.concat(parts);
}

/** The same module with a section more, `rivulet`, which holds version and build: `src/js/src/cluster/engine_file.ts` reads it. */
export function signed(wasm, build) {
  const name = Buffer.from('rivulet');
  const text = Buffer.from(`${manifest.version} ${build}`);
  const content = Buffer.concat([Buffer.from(leb128(name.length)), name, text]);
  return Buffer.concat([wasm, Buffer.from([0, ...leb128(content.length)]), content]);
}
