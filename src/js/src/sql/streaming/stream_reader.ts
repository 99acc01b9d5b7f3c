import type { FileSource } from '../../files/registry.js';
import { asSchema } from '../../values/ddl.js';
import type { StructType } from '../../values/types.js';
import { DataFrame } from '../dataframe.js';
import { optionTexts } from '../option.js';
import { type Context, planOf } from '../plan.js';
import { Reader } from '../reader.js';
import { loadPlan } from '../relations.js';
import { type PushData, type PushFormat, pump, type WriteOptions } from './push.js';

/** How the data of a push source looks. */
export interface PushOptions {
  /** Its schema: DDL or StructType. */
  schema: string | StructType;
  /** The format: `arrow` (the default) for rows; `json`, `csv` or `text` for strings, which the engine parses. */
  format?: PushFormat;
  /** Options of the string formats, such as `header`. */
  options?: Readonly<Record<string, string | number | boolean>>;
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
      df: new DataFrame(this.context, loadPlan(this.context, read, [], true)),
      write: (data, options) => source.write(data, options),
      end: () => source.end(),
    };
  }

  /**
   * Reads an async iterable or ReadableStream of rows, arrays of rows, strings or bytes (whole records each), no faster than the
   * engine takes them. An error of the iterable ends the stream and is logged.
   */
  from(items: AsyncIterable<PushData> | ReadableStream<PushData>, options: PushOptions): DataFrame {
    const { df, write, end } = this.push(options);
    pump({ write, end }, isReadableStream(items) ? chunks(items) : items).catch((error: unknown) => {
      console.error('[rivulet] the source of a stream failed, the stream ends here:', error);
    });
    return df;
  }
}

function isReadableStream(items: object): items is ReadableStream<PushData> {
  return 'getReader' in items;
}

/** Not every browser can iterate over a ReadableStream. */
async function* chunks(stream: ReadableStream<PushData>): AsyncGenerator<PushData, void, undefined> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.releaseLock();
  }
}
