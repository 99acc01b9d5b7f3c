// Stands in for the wasm-bindgen glue: what the worker's script does is tested without an engine.
//   req METHOD: `trap`, `panic` and `deep` fail as wasm does, `later` fails where nobody waits, `load` loads a plan and runs it, anything else
//   is answered with all that came
export default async function init({ module_or_path: module }) {
  if (!(module instanceof WebAssembly.Module)) throw new Error('no module');
  return { memory: new WebAssembly.Memory({ initial: 32 }) };
}

export class Worker {
  static async start(init, programs) {
    await new Promise((held) => navigator.locks.request(init.lock, () => (held(), new Promise(() => {}))));
    return Object.assign(new Worker(), { init, programs, seen: [] });
  }

  receive(message) {
    this.seen.push(message.t === 'req' ? message.method : message.t);
    if (message.t !== 'req') return;
    switch (message.method) {
      case 'panic':
        globalThis.rivuletPanic = 'panicked at somewhere.rs:1';
        throw new WebAssembly.RuntimeError('unreachable');
      case 'deep':
        throw new RangeError('Maximum call stack size exceeded');
      case 'trap':
        throw new WebAssembly.RuntimeError('unreachable');
      case 'later':
        return void Promise.reject(new Error('nobody waits for this'));
      case 'load':
        return void this.load(message.id);
      default:
        postMessage({
          t: 'res',
          id: message.id,
          seen: this.seen,
          role: this.init.role,
          loading: this.programs.loading === undefined,
          loaded: 'rivuletFunctions' in globalThis,
        });
    }
  }

  /** Loads a plan that counts an empty partition, and runs its task. */
  async load(id) {
    const node = { id: 0, key: 0, name: 'ParallelCollectionRDD', kind: 'source', parents: [], partitions: 1, firstSource: 0 };
    this.programs.load(0, JSON.stringify({ functions: [], nodes: [node], root: 0, action: { t: 'count' } }), []);
    await this.programs.loading;
    const task = { root: 0, partition: 0, write: null, sources: [[0, 0]], shuffled: [], kept: [] };
    const [blocks] = this.programs.run(0, task, [new Uint8Array()]);
    postMessage({ t: 'res', id, loaded: 'rivuletFunctions' in globalThis, blocks: blocks.length });
  }
}
