// Stands in for the wasm-bindgen glue: does what a test tells it, and tells the test what it is told.
//   request(id, method, bytes): calls host[method](...JSON in bytes) and responds with its result as JSON
//   everything that comes from the host is printed by host.console / sent to the driver as JSON
const json = (value) => new TextEncoder().encode(JSON.stringify(value, (_, v) => (v instanceof Uint8Array ? [...v] : v)));
const parsed = (bytes) => JSON.parse(new TextDecoder().decode(bytes), (_, v) => (v?.bytes ? Uint8Array.from(v.bytes) : v));

export default async function init({ module_or_path: module }) {
  if (!(module instanceof WebAssembly.Module)) throw new Error('no module');
}

export class Driver {
  constructor(conf, host) {
    this.host = host;
    this.conf = conf;
    for (const event of [
      'executorJoined',
      'executorLost',
      'executorMessage',
      'timer',
      'push',
      'pushEnd',
      'connectionEvent',
      'foreachBatchDone',
      'storageDone',
      'watchStatus',
      'cancel',
    ]) {
      this[event] = (...args) => host.console(JSON.stringify([event, ...args], (_, v) => (v instanceof Uint8Array ? [...v] : v)));
    }
  }
  request(id, method, bytes) {
    if (method === 'trap') throw new WebAssembly.RuntimeError('unreachable');
    if (method === 'conf') return this.host.respond(id, new TextEncoder().encode(this.conf));
    const result = this.host[method](...parsed(bytes));
    this.host.respond(id, json(result ?? null));
  }
  heapBytes() {
    return 1;
  }
}

export class Executor {
  constructor(executor, incarnation, conf, host, spill) {
    Object.assign(this, { executor, host, spill });
    this.tell = (...what) => host.toDriver(json(what), []);
  }
  driverMessage(header, blobs) {
    const [command, ...args] = parsed(header);
    if (command === 'trap') {
      this.host.log('error', 'panicked at somewhere.rs:1');
      throw new WebAssembly.RuntimeError('unreachable');
    }
    if (command === 'spill') {
      this.spill.write(Uint8Array.of(1, 2, 3), { at: 0 });
      return this.tell('spilled', this.spill.getSize());
    }
    if (command === 'peer') return this.host.toPeer(args[0], args[1], json(['hello from', this.executor]), blobs);
    this.host.toDriver(json(['echo', ...args]), blobs);
  }
  peerMessage(executor, incarnation, header, blobs) {
    this.tell(
      'peer',
      executor,
      incarnation,
      ...parsed(header),
      blobs.map((b) => b.length),
    );
  }
  peerLost(executor) {
    this.tell('peerLost', executor);
  }
  heapBytes() {
    return 2;
  }
}
