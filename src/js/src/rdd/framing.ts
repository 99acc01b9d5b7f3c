/** Byte pieces in a row, each after its length (u32, little-endian): how plans travel with their values. */
export function framed(pieces: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(pieces.reduce((sum, piece) => sum + 4 + piece.length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const piece of pieces) {
    view.setUint32(at, piece.length, true);
    out.set(piece, at + 4);
    at += 4 + piece.length;
  }
  return out;
}

/** The pieces of {@link framed}. */
export function unframed(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at, true);
    pieces.push(bytes.slice(at + 4, (at += 4 + length)));
  }
  return pieces;
}
