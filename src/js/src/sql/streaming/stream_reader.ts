import { IllegalArgumentException } from '../../errors.js';
import type { FileSource } from '../../files/registry.js';
import { asSchema } from '../../values/ddl.js';
import type { StructType } from '../../values/types.js';
import { DataFrame } from '../dataframe.js';
import { part } from '../load_part.js';
import { optionTexts } from '../option.js';
import { type Context, planOf } from '../plan.js';
import { Reader } from '../reader.js';
import { loadPlan } from '../relations.js';
import type { EventOptions } from './event_items.js';
import type { PageSource, SourceItems } from './page_source.js';
import type { WriteOptions } from './push.js';
import type { PushData, PushFormat } from './push_data.js';

/** How the data of a push source looks. */
export interface PushOptions {
  /** Its schema: DDL or StructType. */
  schema: string | StructType;
  /** The format: `arrow` (the default) for rows; `json`, `csv` or `text` for strings, which the engine parses. */
  format?: PushFormat;
  /** Options of the string formats, such as `header`. */
  options?: Readonly<Record<string, string | number | boolean>>;
}

/** How the items of a source of the page look. */
export interface FromOptions extends PushOptions {
  /** What progress and errors call the source. */
  name?: string;
}

/** A stream that this page writes to. */
export interface PushStream {
  /** The stream. */
  df: DataFrame;
  /** Adds rows, strings or bytes; resolves when there is room for more. */
  write(data: PushData, options?: WriteOptions): Promise<void>;
  /** Ends the stream: no more will come. */
  end(): void;
}

/** Says where a stream comes from: `spark.readStream` (`DataStreamReader`). */
export class DataStreamReader extends Reader {
  /** @internal */
  constructor(context: Context) {
    super(context);
  }

  /**
   * Returns the stream of files in a path or folder, or of a source that needs no path (`rate`, `websocket` with option `url`).
   * With a checkpoint, what a WebSocket brings counts as received when it is durable. With `option('ack', true)` the server learns
   * of it: on opening, and whenever more is durable, it receives the string `{"ack":n}`, where n is the number of messages received
   * from this source since the checkpoint began. A server that numbers its messages and continues at n is read exactly once.
   * @example
   * ```ts
   * const ticks = spark.readStream.format('rate').option('rowsPerSecond', 100).load();
   * await ticks.isStreaming(); // → true
   * ```
   */
  load(...sources: FileSource[]): DataFrame {
    return new DataFrame(this.context, loadPlan(this.context, this.read, sources, true));
  }
  /** Reads JSON objects, one per line, of files that appear. */
  json(...sources: FileSource[]): DataFrame {
    return this.format('json').load(...sources);
  }
  /** Reads CSV of files that appear. */
  csv(...sources: FileSource[]): DataFrame {
    return this.format('csv').load(...sources);
  }
  /** Reads lines of files that appear, as column `value`. */
  text(...sources: FileSource[]): DataFrame {
    return this.format('text').load(...sources);
  }
  /** Returns a streaming table or view. */
  table(name: string): DataFrame {
    return new DataFrame(
      this.context,
      planOf(this.context, {
        case: 'read',
        value: { isStreaming: true, readType: { case: 'namedTable', value: { unparsedIdentifier: name, options: this.read.options } } },
      }),
    );
  }

  /**
   * Opens a stream that this page writes to. The queue is bounded: `write` waits while it is full.
   * @example
   * ```ts
   * const clicks = spark.readStream.push({ schema: 'page STRING, ms INT' });
   * const slow = await clicks.df.filter('ms > 100').writeStream.format('memory').queryName('slow').start();
   * await clicks.write([{ page: '/', ms: 20 }, { page: '/map', ms: 300 }]);
   * await slow.processAllAvailable();
   * const found = await spark.table('slow').collect();
   * await slow.stop();
   * found; // → [{ page: '/map', ms: 300 }]
   * ```
   */
  push(options: PushOptions): PushStream {
    const format = options.format ?? 'arrow';
    const schema = asSchema(options.schema);
    const settings = { ...this.read.options, ...optionTexts(options.options ?? {}) };
    const source = this.context.sources.open(schema, format, settings);
    const read = {
      format: 'rivulet.push',
      schema: schema.toDDL(),
      options: { ...settings, sourceId: source.id, recordFormat: format },
    };
    return {
      df: new DataFrame(this.context, { ...loadPlan(this.context, read, [], true), needs: [source.need] }),
      write: (data, options) => source.write(data, options),
      end: () => source.end(),
    };
  }

  /**
   * Reads, for each query over it, an iterable, an async iterable or a ReadableStream of rows, arrays of rows, strings or bytes (whole
   * records each); or a source that the page describes: see {@link PageSource} for what is promised after a crash of the tab. Items are
   * asked for when a query reads them, no faster than it takes them, until it ends. At the end of the items the query ends, and with
   * their error if they have one, after all that came before it: `awaitTermination()` throws it.
   */
  from<T>(source: PageSource<T>, options?: Partial<FromOptions>): DataFrame;
  from(items: SourceItems<PushData>, options: FromOptions): DataFrame;
  from(items: PageSource<unknown> | SourceItems<PushData>, options: Partial<FromOptions> = {}): DataFrame {
    const { isPageSource, sourceOf } = part();
    const source = isPageSource(items) ? items : sourceOf(items, options.name);
    const schema = options.schema ?? source.schema;
    if (schema === undefined) throw new IllegalArgumentException('A stream of the page needs a schema');
    return this.#read(source, { ...options, schema });
  }

  /**
   * Reads the events of a type that reach a target (an element, a BroadcastChannel, a WebSocket, an EventSource, a port, a worker), for
   * each query from its start to its end. Best effort: what happens before, after, or while too many events wait is not there; the
   * last are counted in the progress of the query (`sources[].metrics.recordsDropped`).
   * @example
   * ```ts
   * const clicks = new EventTarget();
   * const rows = spark.readStream.fromEvents(clicks, 'click', { schema: 'x INT', rowOf: (event: CustomEvent) => ({ x: event.detail }) });
   * const query = await rows.writeStream.format('memory').queryName('clicked').start();
   * for (const x of [1, 2]) clicks.dispatchEvent(new CustomEvent('click', { detail: x }));
   * await query.processAllAvailable();
   * await query.stop();
   * await spark.table('clicked').collect(); // → [{ x: 1 }, { x: 2 }]
   * ```
   */
  fromEvents<E extends Event>(target: EventTarget, type: string, options: FromOptions & EventOptions<E>): DataFrame {
    const { carried, EventItems } = part();
    const { name = type, maxQueuedEvents, rowOf = carried, ...push } = options;
    if (maxQueuedEvents !== undefined && !(maxQueuedEvents >= 1)) throw new IllegalArgumentException('maxQueuedEvents is at least 1');
    const open = (_: unknown, signal: AbortSignal) =>
      new EventItems<E>(target, type, signal, { ...(maxQueuedEvents && { maxQueuedEvents }) });
    return this.#read({ name, open, rowOf: rowOf as (event: unknown) => PushData }, push);
  }

  #read(source: PageSource<unknown>, options: PushOptions): DataFrame {
    const { format = 'arrow' } = options;
    const schema = asSchema(options.schema);
    const settings = { ...this.read.options, ...optionTexts(options.options ?? {}) };
    const { id, need } = this.context.readers.add(source, new (part().PushEncoder)(schema, format, settings));
    const all = { ...settings, name: source.name ?? id, pageSource: id, recordFormat: format };
    const read = { format: 'rivulet.page', schema: schema.toDDL(), options: all };
    return new DataFrame(this.context, { ...loadPlan(this.context, read, [], true), needs: [need] });
  }
}
