// What functions of an engine of `rivulet-pack mark` have run in the workers of a page.

/** Before a worker's script: what makes the engine keeps its exports where they can be asked for. */
const KEEP = `{ const make = WebAssembly.instantiate;
WebAssembly.instantiate = async (...of) => { const made = await make(...of); self.marked = (made.instance ?? made).exports; return made; }; }
`;

/** The script of a worker whose marks can be taken. */
export const marking = (script) => KEEP + script;

/** In a worker: the bytes of the marks, in base 64; nothing of a worker that has none. */
function read() {
  const { rivulet_marks: memory } = self.marked ?? {};
  if (!memory) return '';
  const all = new Uint8Array(memory.buffer);
  let bytes = '';
  for (let at = 0; at < all.length; at += 8192) bytes += String.fromCharCode(...all.subarray(at, at + 8192));
  return btoa(bytes);
}

/** Adds the marks of all workers of a page that are alive, and returns the sum: a byte for each function, 1 where it has run. */
export async function withMarksOf(page, marks) {
  let sum = marks;
  for (const worker of page.workers()) {
    // One that ends meanwhile has none.
    const found = Buffer.from(await worker.evaluate(read).catch(() => ''), 'base64');
    if (found.length > sum.length) sum = Buffer.concat([sum, Buffer.alloc(found.length - sum.length)]);
    for (const [at, mark] of found.entries()) sum[at] |= mark;
  }
  return sum;
}
