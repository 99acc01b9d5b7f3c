import type { Wire } from '../../cluster/connection.js';
import type { FromDriver } from '../../protocol.js';
import type { StreamingQueryProgress } from './progress.js';

/** A query has started. */
export interface QueryStartedEvent {
  /** Id of the query. */
  id: string;
  /** Id of this run of it. */
  runId: string;
  /** Its name, or null. */
  name: string | null;
  /** When it started, ISO 8601 in UTC. */
  timestamp: string;
}
/** A micro-batch has ended. */
export interface QueryProgressEvent {
  /** What the batch did. */
  progress: StreamingQueryProgress;
}
/** A query waits for data. */
export interface QueryIdleEvent {
  /** Id of the query. */
  id: string;
  /** Id of this run of it. */
  runId: string;
  /** When it began to wait, ISO 8601 in UTC. */
  timestamp: string;
}
/** A query has ended, with an error or by stop(). */
export interface QueryTerminatedEvent {
  /** Id of the query. */
  id: string;
  /** Id of this run of it. */
  runId: string;
  /** Message of the error, or null. */
  exception: string | null;
  /** Condition of the error, or null. */
  errorClassOnException: string | null;
}

/**
 * Receives the events of all queries of a session (`StreamingQueryListener`). An error of a listener is logged and stops nothing.
 */
export interface StreamingQueryListener {
  /** Runs when a query has started. */
  onQueryStarted?(event: QueryStartedEvent): void;
  /** Runs after each micro-batch. */
  onQueryProgress?(event: QueryProgressEvent): void;
  /** Runs when a query waits for data. */
  onQueryIdle?(event: QueryIdleEvent): void;
  /** Runs when a query has ended. */
  onQueryTerminated?(event: QueryTerminatedEvent): void;
}

/** The listeners of a session; the driver sends progress while there are any. @internal */
export class ListenerBus {
  readonly #listeners = new Set<StreamingQueryListener>();

  constructor(private readonly wire: Wire) {}

  add(listener: StreamingQueryListener): void {
    if (this.#listeners.size === 0) this.wire.post({ t: 'listen', on: true });
    this.#listeners.add(listener);
  }
  remove(listener: StreamingQueryListener): void {
    if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.wire.post({ t: 'listen', on: false });
  }

  /** Hands an event of the driver on. */
  receive(message: Extract<FromDriver, { t: 'listener' }>): void {
    const { eventType } = message;
    const event = message.event as never;
    for (const listener of this.#listeners) {
      try {
        switch (eventType) {
          case 'started':
            listener.onQueryStarted?.(event);
            break;
          case 'progress':
            listener.onQueryProgress?.('progress' in event ? event : { progress: event });
            break;
          case 'idle':
            listener.onQueryIdle?.(event);
            break;
          case 'terminated':
            listener.onQueryTerminated?.(event);
            break;
        }
      } catch (error) {
        console.error('[rivulet] a StreamingQueryListener failed:', error);
      }
    }
  }
}
