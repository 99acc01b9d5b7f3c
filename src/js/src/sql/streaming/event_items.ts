import type { Dropping } from './page_source.js';
import type { PushData } from './push_data.js';

/** Most events that wait for the engine, unless the reader says otherwise. */
const MOST_EVENTS = 10_000;

/** How events become rows, and how many may wait. */
export interface EventOptions<E extends Event> {
  /**
   * Returns the row of an event, or its rows, or a string or bytes of whole records; no rows for `[]`. Without it they are the
   * event's `data` (messages) or `detail` (custom events).
   */
  rowOf?: (event: E) => PushData;
  /** How many events wait at most (10,000); while it is so, new ones are dropped and counted. */
  maxQueuedEvents?: number;
}

/** The events of a target as they come, until the signal is aborted: those that nobody took wait, up to a limit. @internal */
export class EventItems<E extends Event> implements AsyncIterable<E>, AsyncIterator<E>, Dropping {
  #events: E[] = [];
  #dropped = 0;
  #isOver = false;
  #wake: () => void = () => {};

  constructor(target: EventTarget, type: string, signal: AbortSignal, options: Pick<EventOptions<E>, 'maxQueuedEvents'>) {
    const most = options.maxQueuedEvents ?? MOST_EVENTS;
    let warned = false;
    const hear = (event: Event) => {
      if (this.#events.length < most) {
        this.#events.push(event as E);
        return this.#wake();
      }
      this.#dropped += 1;
      if (!warned) console.warn(`[rivulet] ${most} events of type ${type} wait: others are dropped, and counted in the query's progress`);
      warned = true;
    };
    target.addEventListener(type, hear, { signal });
    signal.addEventListener('abort', () => void this.return());
    // A port keeps its messages until somebody begins.
    if (typeof MessagePort === 'function' && target instanceof MessagePort) target.start();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
  async next(): Promise<IteratorResult<E>> {
    while (this.#events.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const [value] = this.#events.splice(0, 1);
    return value === undefined ? { done: true, value } : { done: false, value };
  }
  async return(): Promise<IteratorResult<E>> {
    this.#isOver = true;
    this.#events = [];
    this.#wake();
    return { done: true, value: undefined };
  }

  /** How many events were dropped since the last call. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }
}

/** What an event carries: a message's data, a custom event's detail. @internal */
export function carried(event: Event): unknown {
  return 'data' in event ? event.data : (event as CustomEvent<unknown>).detail;
}
