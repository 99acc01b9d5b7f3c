const decoder = new TextDecoder();

/** Byte strings to dense numbers. */
export class Interner {
  constructor() {
    this.slots = new Int32Array(1 << 18).fill(-1);
    this.hashes = new Int32Array(1 << 17);
    this.starts = new Int32Array((1 << 17) + 1);
    this.bytes = new Uint8Array(1 << 21);
    this.size = 0;
    this.names = [];
  }

  id(source, from, to, hash) {
    const mask = this.slots.length - 1;
    const length = to - from;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (let id; (id = this.slots[slot]) >= 0; slot = (slot + 1) & mask) {
      if (this.hashes[id] !== hash || this.starts[id + 1] - this.starts[id] !== length) continue;
      const start = this.starts[id];
      let at = 0;
      while (at < length && this.bytes[start + at] === source[from + at]) at++;
      if (at === length) return id;
    }
    const id = this.size++;
    this.slots[slot] = id;
    this.hashes[id] = hash;
    this.bytes.set(source.subarray(from, to), this.starts[id]);
    this.starts[id + 1] = this.starts[id] + length;
    return id;
  }

  name(id) {
    return (this.names[id] ??= decoder.decode(this.bytes.subarray(this.starts[id], this.starts[id + 1])));
  }
}

/** Returns the hash of bytes. */
export function hashOf(source, from, to) {
  let hash = HASH_START;
  for (let at = from; at < to; at++) hash = hashed(hash, source[at]);
  return hash;
}
export const HASH_START = 0x811c9dc5;
export const hashed = (hash, byte) => Math.imul(hash ^ byte, 16_777_619);
