import type { FromDriver } from '../../protocol.js';
import type { StreamingQueryProgress } from './progress.js';

/** A query has started. */
export interface QueryStartedEvent {
  id: string;
  runId: string;
  name: string | null;
  timestamp: string;
}
/** A micro-batch has ended. */
export interface QueryProgressEvent {
  progress: StreamingQueryProgress;
}
/** A query waits for data. */
export interface QueryIdleEvent {
  id: string;
  runId: string;
  timestamp: string;
}
/** A query has ended, with an error or by stop(). */
export interface QueryTerminatedEvent {
  id: string;
  runId: string;
  exception: string | null;
  errorClassOnException: string | null;
}

/** Is told of all queries of a session. An error of a listener is logged and stops nothing. */
export interface StreamingQueryListener {
  onQueryStarted?(event: QueryStartedEvent): void;
  onQueryProgress?(event: QueryProgressEvent): void;
  onQueryIdle?(event: QueryIdleEvent): void;
  onQueryTerminated?(event: QueryTerminatedEvent): void;
}

/** The listeners of a session. @internal */
export class ListenerBus {
  readonly #listeners = new Set<StreamingQueryListener>();

  add(listener: StreamingQueryListener): void {
    this.#listeners.add(listener);
  }
  remove(listener: StreamingQueryListener): void {
    this.#listeners.delete(listener);
  }

  /** Hands an event of the driver on. */
  receive({ eventType, json }: Extract<FromDriver, { t: 'listener' }>): void {
    const event = JSON.parse(json) as never;
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
