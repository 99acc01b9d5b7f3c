declare module 'rivulet-engine' {
  const engine: import('./engine.js').Engine;
  export default engine.default;
  export const Worker: import('./engine.js').Engine['Worker'];
}
