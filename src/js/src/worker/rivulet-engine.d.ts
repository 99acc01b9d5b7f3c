declare module 'rivulet-engine' {
  const engine: import('./engine.js').Engine;
  export default engine.default;
  export const Driver: import('./engine.js').Engine['Driver'];
  export const Executor: import('./engine.js').Engine['Executor'];
}
