/** Returns the 32-bit halves of 64-bit numbers: reading BigInts is slow. */
export const halves = (values) => new Int32Array(values.buffer, values.byteOffset, 2 * values.length);

/** Returns number `i` of them. */
export const timeAt = (times, i) => (times[2 * i] >>> 0) + times[2 * i + 1] * 4_294_967_296;
