import { Connection } from '../src/cluster/connection.js';
import { ConnectClient } from '../src/connect/client.js';
import { decode, encode } from '../src/connect/messages.js';
import { FileRegistry } from '../src/files/registry.js';
import { KeptNeeds } from '../src/needs.js';
import type { FromDriver, ToDriver } from '../src/protocol.js';
import { DataFrame } from '../src/sql/dataframe.js';
import { loadPart } from '../src/sql/load_part.js';
import { type Context, planOf } from '../src/sql/plan.js';
import { DataFrameReader } from '../src/sql/reader.js';
import { PageStreams } from '../src/sql/streaming/page_streams.js';
import { DataStreamReader } from '../src/sql/streaming/stream_reader.js';

// As a session does while it starts.
await loadPart();

/** A session whose driver is a function: it is given what the page posts and may answer at once. */
export class FakeSession {
  readonly posted: ToDriver[] = [];
  readonly connection: Connection;
  readonly context: Context & Pick<PageStreams, 'sources' | 'readers' | 'sinks' | 'runs'>;
  readonly #page: PageStreams;

  constructor(answer: (message: ToDriver, reply: (message: FromDriver) => void) => void = () => {}) {
    const wire = {
      post: (message: ToDriver) => {
        this.posted.push(message);
        answer(message, (reply) => queueMicrotask(() => this.receive(reply)));
      },
    };
    this.connection = new Connection(wire);
    const relation = { case: 'localRelation', value: {} } as const;
    this.#page = new PageStreams(wire, (arrow) => new DataFrame(this.context, planOf(this.context, relation), arrow));
    const { sources, readers, sinks, runs } = this.#page;
    this.context = {
      client: new ConnectClient(this.connection, { decode, encode }),
      rowOptions: { bigint: false },
      files: new FileRegistry(wire),
      kept: new KeptNeeds(),
      sources,
      readers,
      sinks,
      runs,
      sparkContext: undefined as never,
    };
  }

  receive(message: FromDriver): void {
    if (!this.connection.receive(message)) this.#page.receive(message);
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
