import { Connection } from '../src/cluster/connection.js';
import { ConnectClient } from '../src/connect/client.js';
import { decode, encode } from '../src/connect/messages.js';
import { FileRegistry } from '../src/files/registry.js';
import type { FromDriver, ToDriver } from '../src/protocol.js';
import { DataFrame } from '../src/sql/dataframe.js';
import { loadPart } from '../src/sql/load_part.js';
import { type Context, planOf } from '../src/sql/plan.js';
import { DataFrameReader } from '../src/sql/reader.js';
import { PageSinks } from '../src/sql/streaming/foreach.js';
import { PageReaders } from '../src/sql/streaming/page_reader.js';
import { PushSources } from '../src/sql/streaming/push.js';
import { DataStreamReader } from '../src/sql/streaming/stream_reader.js';

// As a session does while it starts.
await loadPart();

/** A session whose driver is a function: it is given what the page posts and may answer at once. */
export class FakeSession {
  readonly posted: ToDriver[] = [];
  readonly connection: Connection;
  readonly context: Context & { sources: PushSources; readers: PageReaders; sinks: PageSinks };

  constructor(answer: (message: ToDriver, reply: (message: FromDriver) => void) => void = () => {}) {
    const wire = {
      post: (message: ToDriver) => {
        this.posted.push(message);
        answer(message, (reply) => queueMicrotask(() => this.receive(reply)));
      },
    };
    this.connection = new Connection(wire);
    this.context = {
      client: new ConnectClient(this.connection, { decode, encode }),
      rowOptions: { bigint: false },
      files: new FileRegistry(wire),
      sources: new PushSources(wire),
      readers: new PageReaders(wire),
      sinks: new PageSinks(wire, (arrow) => new DataFrame(this.context, planOf(this.context, { case: 'localRelation', value: {} }), arrow)),
      sparkContext: undefined as never,
    };
  }

  receive(message: FromDriver): void {
    if (this.connection.receive(message)) return;
    if (message.t === 'credit') this.context.sources.receive(message);
    if (message.t === 'openSource' || message.t === 'sourceCredit' || message.t === 'closeSource') this.context.readers.receive(message);
    if (message.t === 'foreachBatch') void this.context.sinks.receive(message);
  }

  get read(): DataFrameReader {
    return new DataFrameReader(this.context);
  }
  get readStream(): DataStreamReader {
    return new DataStreamReader(this.context);
  }

  /** Posted messages of one kind. */
  of<T extends ToDriver['t']>(t: T): Extract<ToDriver, { t: T }>[] {
    return this.posted.filter((message): message is Extract<ToDriver, { t: T }> => message.t === t);
  }
}
