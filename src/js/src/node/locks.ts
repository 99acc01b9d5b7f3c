/**
 * Web Locks among the threads of a process: a table in the main thread, and clients of it. What a
 * thread holds is free when it ends, however that comes.
 */
import type { MessagePort } from 'node:worker_threads';

/** What a client asks. */
type Asked = { t: 'request'; id: number; name: string; ifAvailable: boolean } | { t: 'release'; id: number } | { t: 'query'; id: number };
/** What it hears. */
type Answered = { t: 'granted' | 'unavailable'; id: number } | { t: 'held'; id: number; names: string[] };

/** A request that waits or holds. */
interface Request {
  owner: object;
  id: number;
  name: string;
  answer(answer: Answered): void;
}

/** Which locks are held by whom, and who waits for them, first come, first served. */
export class LockTable {
  readonly #queues = new Map<string, Request[]>();

  /** Serves a client until its port closes; {@link release} then frees its locks. */
  serve(port: MessagePort): void {
    port.on('message', (asked: Asked) => this.ask(port, asked, (answer) => port.postMessage(answer)));
  }

  /** Does what an owner asks. */
  ask(owner: object, asked: Asked, answer: (answer: Answered) => void): void {
    const { id } = asked;
    if (asked.t === 'query') return answer({ t: 'held', id, names: [...this.#queues.keys()] });
    if (asked.t === 'release') return this.#remove((request) => request.owner === owner && request.id === id);
    const queue = this.#queues.get(asked.name) ?? [];
    if (queue.length > 0 && asked.ifAvailable) return answer({ t: 'unavailable', id });
    this.#queues.set(asked.name, queue);
    queue.push({ owner, id, name: asked.name, answer });
    if (queue.length === 1) answer({ t: 'granted', id });
  }

  /** Frees all locks of an owner, and forgets what it waits for. */
  release(owner: object): void {
    this.#remove((request) => request.owner === owner);
  }

  #remove(isOver: (request: Request) => boolean): void {
    for (const [name, queue] of this.#queues) {
      const [holder] = queue;
      const left = queue.filter((request) => !isOver(request));
      if (left.length === queue.length) continue;
      if (left.length === 0) this.#queues.delete(name);
      else this.#queues.set(name, left);
      const [next] = left;
      if (next && next !== holder) next.answer({ t: 'granted', id: next.id });
    }
  }
}

type Callback = (lock: { name: string } | null) => unknown;

/** The part of `navigator.locks` that sessions and the engine use: exclusive locks. */
export class Locks {
  #next = 0;
  readonly #waiting = new Map<number, (answer: Answered) => void>();

  constructor(private readonly say: (asked: Asked) => void) {}

  /** Locks of the thread that has the table. */
  static of(table: LockTable): Locks {
    const locks: Locks = new Locks((asked) => table.ask(locks, asked, (answer) => queueMicrotask(() => locks.#hear(answer))));
    return locks;
  }

  /** Locks of another thread, which reaches the table through a port. */
  static at(port: MessagePort): Locks {
    const locks = new Locks((asked) => port.postMessage(asked));
    port.on('message', (answer: Answered) => locks.#hear(answer));
    return locks;
  }

  #hear(answer: Answered): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    waiting?.(answer);
  }

  #ask(asked: Asked): Promise<Answered> {
    return new Promise((resolve) => {
      this.#waiting.set(asked.id, resolve);
      this.say(asked);
    });
  }

  /** Holds a lock while the promise of `callback` is open; its result is that of the callback. */
  async request(name: string, ...rest: [Callback] | [{ ifAvailable?: boolean }, Callback]): Promise<unknown> {
    const callback = rest.at(-1) as Callback;
    const { ifAvailable = false } = rest.length === 2 ? rest[0] : {};
    const id = this.#next++;
    const { t } = await this.#ask({ t: 'request', id, name, ifAvailable });
    if (t === 'unavailable') return callback(null);
    try {
      return await callback({ name });
    } finally {
      this.say({ t: 'release', id });
    }
  }

  /** Names what is held. */
  async query(): Promise<{ held: { name: string }[]; pending: [] }> {
    const answer = await this.#ask({ t: 'query', id: this.#next++ });
    return { held: answer.t === 'held' ? answer.names.map((name) => ({ name })) : [], pending: [] };
  }
}
