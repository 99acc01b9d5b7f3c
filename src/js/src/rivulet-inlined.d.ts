declare module 'rivulet-inlined' {
  /** Source of worker.js. */
  export const worker: string;
  /** engine_bg.wasm, deflated, in base 64. */
  export const wasm: string;
}
