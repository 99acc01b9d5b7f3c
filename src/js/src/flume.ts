/**
 * Flume's events as discretized streams, as Spark's `FlumeUtils` had them until Spark 3 removed it: a part of its own, as it was one of
 * Spark's. A page has no TCP, so all of it goes through `rivulet-gateway`.
 */
import type { DStream, StreamingContext } from './index.js';

/** An event (`SparkFlumeEvent`). */
export interface SparkFlumeEvent {
  headers: Record<string, string>;
  body: Uint8Array;
}

/** Where the gateway is. */
export interface FlumeOptions {
  /** Its address; without it, `http://localhost:9095`. */
  url?: string | URL;
  /** The token that it wants. */
  token?: string;
}

/** Where events come from, as the gateway takes it. */
type From = { mode: 'push'; port: number } | { mode: 'pull'; addresses: string[]; batch: number; parallelism: number };

/** What a receiver knows. */
interface Bound {
  url: string;
  token: string | undefined;
  from: From;
}

interface Told {
  lease: string;
  delivery: { id: string; events: { headers: Record<string, string>; body: string }[] } | null;
}

/**
 * Asks the gateway for events, stores them, and acknowledges them with the next question; a delivery that comes again is not stored again.
 * Its text travels to an executor, so all that it needs is in it.
 */
class FlumeReceiver {
  declare storeAll: (events: readonly SparkFlumeEvent[]) => Promise<void>;
  declare isStopped: () => boolean;
  private readonly bound: Bound;
  private readonly abort = new AbortController();
  private lease: string | undefined;
  private ack: string | undefined;
  private last: string | undefined;

  constructor(bound: object) {
    this.bound = bound as Bound;
  }

  async onStart(): Promise<void> {
    let waitMs = 250;
    while (!this.isStopped()) {
      const told = await this.ask({ maxEvents: 1_000, waitMs: 10_000 });
      if (told === undefined) {
        await new Promise((resolve) => setTimeout(resolve, waitMs));
        waitMs = Math.min(waitMs * 2, 10_000);
        continue;
      }
      waitMs = 250;
      this.lease = told.lease;
      this.ack = undefined;
      const { delivery } = told;
      if (!delivery) continue;
      if (delivery.id !== this.last) {
        await this.storeAll(
          delivery.events.map(({ headers, body }) => ({ headers, body: Uint8Array.from(atob(body), (c) => c.charCodeAt(0)) })),
        );
      }
      this.last = delivery.id;
      this.ack = delivery.id;
    }
  }

  async onStop(): Promise<void> {
    this.abort.abort();
    if (this.lease !== undefined) await this.ask({ maxEvents: 0, waitMs: 0, leaves: true });
  }

  /** Asks once; undefined if the gateway is away, or was started again. Throws what it refuses. */
  private async ask(more: { maxEvents: number; waitMs: number; leaves?: boolean }): Promise<Told | undefined> {
    const { url, token, from } = this.bound;
    const headers: Record<string, string> = { 'Content-Type': 'application/json', Accept: 'application/json' };
    if (token !== undefined) headers['Authorization'] = `Bearer ${token}`;
    const body = JSON.stringify({ ...from, lease: this.lease, ack: this.ack, maxBytes: 4 << 20, ...more });
    let response: Response;
    let text: string;
    try {
      const signal = more.leaves ? null : this.abort.signal;
      response = await fetch(`${url}/flume/events`, { method: 'POST', headers, body, signal });
      text = await response.text();
    } catch {
      return undefined;
    }
    if (response.ok) return JSON.parse(text) as Told;
    if (response.status === 410) this.lease = undefined;
    if (response.status === 410 || response.status === 429 || response.status >= 500 || more.leaves) return undefined;
    throw new Error(`${url}/flume/events answered ${response.status}: ${text.slice(0, 500)}`);
  }
}

/** Makes the stream. */
function stream(ssc: StreamingContext, from: From, { url = 'http://localhost:9095', token }: FlumeOptions): DStream<SparkFlumeEvent> {
  const bound = { url: String(url).replace(/\/+$/, ''), token, from };
  return ssc.receiverStream<SparkFlumeEvent, typeof bound>(FlumeReceiver as never, bound);
}

/** Streams of Flume's events (`org.apache.spark.streaming.flume.FlumeUtils`). */
export const FlumeUtils = {
  /**
   * Makes a stream of the events that agents' Avro sinks, or HTTP clients, send to the gateway's listener of this port. Agents hear that
   * events are taken when they are safe: written, with a checkpoint, else in the driver. `hostname` is the gateway's business.
   */
  createStream(ssc: StreamingContext, _hostname: string, port: number, options: FlumeOptions = {}): DStream<SparkFlumeEvent> {
    return stream(ssc, { mode: 'push', port }, options);
  },
  /**
   * Makes a stream of the events that the gateway polls from Spark's sink in an agent: up to `maxBatchSize` at once, `parallelism` polls
   * at a time. A batch is acknowledged to the sink when it is safe, and sent back when it is not in time.
   */
  createPollingStream(
    ssc: StreamingContext,
    hostname: string,
    port: number,
    maxBatchSize = 1_000,
    parallelism = 5,
    options: FlumeOptions = {},
  ): DStream<SparkFlumeEvent> {
    return stream(ssc, { mode: 'pull', addresses: [`${hostname}:${port}`], batch: maxBatchSize, parallelism }, options);
  },
};
