/**
 * Hooks for React 18 and later: a session, a streaming query and the rows of a table, each for as long as a component shows. All of them
 * may be mounted twice, as React's StrictMode does: a session stays, a query starts again after the first one has stopped.
 */
import { useEffect, useRef, useState } from 'react';
import {
  type DataFrame,
  type OutputMode,
  type Row,
  SparkSession,
  type SparkSessionBuilder,
  type StartProgress,
  type StreamingQuery,
} from './api.js';

/** What {@link useSession} knows of the session. */
export interface SessionState {
  /** The session, once it has started. */
  session: SparkSession | undefined;
  /** How far its start has come. */
  progress: StartProgress | undefined;
  /** Why it did not start. */
  error: unknown;
}

/** The session that components share, from the first that asks for it to the last that goes. */
interface Shared {
  users: number;
  readonly started: Promise<SparkSession>;
  readonly controller: AbortController;
  readonly listeners: Set<(progress: StartProgress) => void>;
  /** The newest progress, for components that come later. */
  progress: StartProgress | undefined;
}
let shared: Shared | undefined;

function acquire(configure: ((builder: SparkSessionBuilder) => SparkSessionBuilder) | undefined): Shared {
  if (!shared) {
    const controller = new AbortController();
    const listeners: Shared['listeners'] = new Set();
    const onProgress = (progress: StartProgress) => {
      if (own) own.progress = progress;
      for (const listener of listeners) listener(progress);
    };
    const builder = configure?.(SparkSession.builder) ?? SparkSession.builder;
    const own: Shared = {
      users: 0,
      started: builder.getOrCreate({ signal: controller.signal, onProgress }),
      controller,
      listeners,
      progress: undefined,
    };
    own.started.catch(() => {
      if (shared === own) shared = undefined;
    });
    shared = own;
  }
  shared.users += 1;
  return shared;
}

/** Lets go of the session; the last one ends it, unless a component comes at once, as in StrictMode. */
function release(own: Shared): void {
  own.users -= 1;
  setTimeout(() => {
    if (own.users > 0) return;
    if (shared === own) shared = undefined;
    own.controller.abort();
    own.started.then(
      (session) => session.stop(),
      () => {},
    );
  });
}

/**
 * Returns the page's session, which starts with the first component that asks for it and stops after the last. `configure` sets it up;
 * that of the first component counts.
 * @example
 * ```js
 * import { useSession } from 'rivulet/react';
 * const { session, progress, error } = useSession((builder) => builder.master('local[2]'));
 * ```
 */
export function useSession(configure?: (builder: SparkSessionBuilder) => SparkSessionBuilder): SessionState {
  const [state, setState] = useState<SessionState>({ session: undefined, progress: undefined, error: undefined });
  const first = useRef(configure);
  useEffect(() => {
    let isHere = true;
    const own = acquire(first.current);
    const set = (more: Partial<SessionState>) => {
      if (isHere) setState((now) => ({ ...now, ...more }));
    };
    const listener = (progress: StartProgress) => set({ progress });
    own.listeners.add(listener);
    set({ progress: own.progress, error: undefined });
    own.started.then(
      (session) => set({ session }),
      (error: unknown) => set({ error }),
    );
    return () => {
      isHere = false;
      own.listeners.delete(listener);
      release(own);
    };
  }, []);
  return state;
}

/** What {@link useStreamingQuery} knows of its query. */
export interface QueryState {
  /** The query, while it runs. */
  query: StreamingQuery | undefined;
  /** What it does: it waits for what it is made of, starts, runs, has ended by itself, or has failed. */
  status: 'waiting' | 'starting' | 'running' | 'ended' | 'failed';
  /** Why it has failed. */
  error: unknown;
}

/**
 * Runs a streaming query while the component shows, and again when one of `dependencies` changes: `start` starts it, or returns
 * undefined while it cannot. The query before has stopped when the next one starts, so both may have the same name and checkpoint.
 * @example
 * ```js
 * import { useStreamingQuery } from 'rivulet/react';
 * const { status } = useStreamingQuery(
 *   () => session?.readStream.format('rate').load().writeStream.foreachBatch(async (rows) => show(await rows.collect())).start(),
 *   [session],
 * );
 * ```
 */
export function useStreamingQuery(start: () => Promise<StreamingQuery> | undefined, dependencies: readonly unknown[]): QueryState {
  const [state, setState] = useState<QueryState>({ query: undefined, status: 'waiting', error: undefined });
  /** The end of the query before. */
  const before = useRef<Promise<unknown>>(Promise.resolve());
  useEffect(() => {
    let isHere = true;
    const set = (next: QueryState) => {
      if (isHere) setState(next);
    };
    const run = async (): Promise<StreamingQuery | undefined> => {
      await last;
      const starting = isHere ? start() : undefined;
      set({ query: undefined, status: starting ? 'starting' : 'waiting', error: undefined });
      const query = await starting;
      if (query) set({ query, status: 'running', error: undefined });
      return query;
    };
    const last = before.current;
    const running = run();
    const failed = (error: unknown) => set({ query: undefined, status: 'failed', error });
    running
      .then(async (query) => {
        if (!query) return;
        await query.awaitTermination();
        set({ query: undefined, status: 'ended', error: undefined });
      })
      .catch(failed);
    return () => {
      isHere = false;
      before.current = running.then((query) => query?.stop()).catch(() => {});
    };
  }, dependencies);
  return state;
}

/** What {@link useRows} knows of a table. */
export interface RowsState<T> {
  /** Its rows; none before the first have come. */
  rows: readonly T[];
  /** Whether rows are on their way: always false of a stream that has rows. */
  isLoading: boolean;
  /** Why they did not come. */
  error: unknown;
}

/** How {@link useRows} reads a stream. */
export interface RowsOptions {
  /** Of a stream: `complete` replaces the rows with each batch, `append` and `update` add to them. `append` by default. */
  outputMode?: OutputMode;
  /** How many rows of a stream are kept, the newest: 1000 by default. */
  limit?: number;
}

/**
 * Returns the rows of a table, and reads them again when one of `dependencies` changes; of a stream they change with each batch. `table`
 * returns undefined while there is none. The query is cancelled, or stopped, when the component goes.
 * @example
 * ```js
 * import { useRows } from 'rivulet/react';
 * const { rows } = useRows<{ id: number }>(() => session?.range(3), [session]);
 * ```
 */
export function useRows<T extends Row = Row>(
  table: () => DataFrame | undefined,
  dependencies: readonly unknown[],
  { outputMode = 'append', limit = 1_000 }: RowsOptions = {},
): RowsState<T> {
  const [state, setState] = useState<RowsState<T>>({ rows: [], isLoading: false, error: undefined });
  const before = useRef<Promise<unknown>>(Promise.resolve());
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const set = (next: (now: RowsState<T>) => RowsState<T>) => {
      if (!signal.aborted) setState(next);
    };
    const takes = async (batch: DataFrame) => {
      const rows = await batch.collect<T>();
      set((now) => ({ rows: outputMode === 'complete' ? rows : [...now.rows, ...rows].slice(-limit), isLoading: false, error: undefined }));
    };
    const last = before.current;
    const read = async (): Promise<StreamingQuery | undefined> => {
      await last;
      const frame = signal.aborted ? undefined : table();
      set(() => ({ rows: [], isLoading: frame !== undefined, error: undefined }));
      if (!frame) return undefined;
      if (await frame.isStreaming()) return frame.writeStream.outputMode(outputMode).foreachBatch(takes).start();
      const rows = await frame.collect<T>({ signal });
      set(() => ({ rows, isLoading: false, error: undefined }));
      return undefined;
    };
    const reading = read();
    reading.then((query) => query?.awaitTermination()).catch((error: unknown) => set((now) => ({ ...now, isLoading: false, error })));
    return () => {
      controller.abort();
      before.current = reading.then((query) => query?.stop()).catch(() => {});
    };
  }, dependencies);
  return state;
}
