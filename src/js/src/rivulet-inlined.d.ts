declare module 'rivulet-inlined' {
  /** Source of worker.js. */
  export const worker: string;
  /** Source of functions.js. */
  export const functions: string;
  /** engine_bg.wasm, deflated, in base 64. */
  export const wasm: string;
}
