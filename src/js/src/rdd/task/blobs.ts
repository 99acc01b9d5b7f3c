/** Reads the page's files where the tasks run: the page only lends handles. */
import { IllegalStateException } from '../../errors.js';

/** Bytes that are read at once. */
const CHUNK_BYTES = 4 << 20;
const NEWLINE = 10;

export class Blobs {
  constructor(private readonly lent: ReadonlyMap<number, Blob>) {}

  #of(id: number): Blob {
    const blob = this.lent.get(id);
    if (!blob) throw new IllegalStateException('the file is not open any more');
    return blob;
  }

  read(id: number): ArrayBuffer {
    return new FileReaderSync().readAsArrayBuffer(this.#of(id));
  }

  /** A blob's name and text. */
  file(id: number): [name: string, text: string] {
    const blob = this.#of(id);
    return [blob instanceof File ? blob.name : 'blob', new TextDecoder().decode(this.read(id))];
  }

  /** The records of `length` bytes between two bytes of a blob. Throws if the last one is cut short. */
  *records(id: number, start: number, end: number, length: number): Generator<Uint8Array, void, undefined> {
    const blob = this.#of(id);
    const step = Math.max(1, Math.floor(CHUNK_BYTES / length)) * length;
    for (let at = start; at < end; at += step) {
      const chunk = new Uint8Array(readSlice(blob, at, Math.min(at + step, end)));
      for (let first = 0; first < chunk.length; first += length) {
        if (first + length > chunk.length)
          throw new IllegalStateException(
            `${blob instanceof File ? blob.name : 'a file'} ends in the middle of a record: ${blob.size} bytes cannot be divided by ${length}`,
            { condition: 'RIVULET_RECORD_CUT' },
          );
        yield chunk.slice(first, first + length);
      }
    }
  }

  /**
   * The lines whose first byte is after `start` (or at 0) and at most at `end`: as Hadoop's `LineRecordReader`, so that
   * splits side by side have each line once. Lines end with \n, \r\n or \r.
   */
  *lines(id: number, start: number, end: number): Generator<string, void, undefined> {
    const blob = this.#of(id);
    const from = start === 0 ? 0 : behindNewline(blob, start);
    const to = end >= blob.size ? blob.size : behindNewline(blob, end);
    const decoder = new TextDecoder();
    let rest = '';
    for (let at = from; at < to; ) {
      const next = Math.min(at + CHUNK_BYTES, to);
      const text = rest + decoder.decode(readSlice(blob, at, next), { stream: next < to });
      at = next;
      // A \r at the end of a chunk may be half of a line's end.
      const whole = at < to ? text.lastIndexOf('\n') + 1 : text.length;
      rest = text.slice(whole);
      if (whole > 0) yield* splitLines(whole === text.length ? text : text.slice(0, whole));
    }
  }
}

/** The lines of a string; what follows the last line's end is a line unless it is empty. */
export function splitLines(text: string): string[] {
  const lines = text.includes('\r') ? text.split(/\r\n|\n|\r/) : text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function readSlice(blob: Blob, start: number, end: number): ArrayBuffer {
  return new FileReaderSync().readAsArrayBuffer(blob.slice(start, end));
}

/** The place after the first \n at or after `at`. */
function behindNewline(blob: Blob, at: number): number {
  for (let step = 64 << 10; at < blob.size; at += step) {
    const found = new Uint8Array(readSlice(blob, at, Math.min(at + step, blob.size))).indexOf(NEWLINE);
    if (found >= 0) return at + found + 1;
  }
  return blob.size;
}
