import type { Backend } from '../cluster/backend.js';
import { Cluster, type ExecutorEvent } from '../cluster/cluster.js';
import { Connection } from '../cluster/connection.js';
import type { Assets } from '../cluster/places.js';
import { type StartOptions, unlessAborted } from '../cluster/start_options.js';
import { StatusEvents } from '../cluster/status.js';
import { requireBrowser } from '../cluster/surroundings.js';
import { ConnectClient } from '../connect/client.js';
import { SessionClosedError, type SparkError, SparkTypeError, UnsupportedOperationException } from '../errors.js';
import { FileRegistry } from '../files/registry.js';
import { KeptNeeds } from '../needs.js';
import type { CredentialsAnswer, CredentialsWanted, FromDriver, ToDriver } from '../protocol.js';
import type { SparkContext } from '../rdd/context.js';
import type { RDD } from '../rdd/rdd.js';
import { asSchema } from '../values/ddl.js';
import { longOf } from '../values/fit.js';
import { fitted } from '../values/misfit.js';
import type { Row } from '../values/rows.js';
import type { StructType } from '../values/types.js';
import { SparkSessionBuilder } from './builder.js';
import { Catalog } from './catalog.js';
import { RuntimeConfig } from './conf.js';
import type { Credentials } from './credentials/registry.js';
import { DataFrame } from './dataframe.js';
import { isDataset, loadPart, type Part, part } from './load_part.js';
import { type Listening, loadRemote } from './load_remote.js';
import { belongs, type Context, planOf } from './plan.js';
import { DataFrameReader } from './reader.js';
import { localRelation, type SqlArguments, sqlPlan } from './relations.js';
import { Checkpoints } from './streaming/checkpoints.js';
import { ListenerBus } from './streaming/listener.js';
import { StreamingQueryManager } from './streaming/manager.js';
import type { PageStreams } from './streaming/page_streams.js';
import { DataStreamReader } from './streaming/stream_reader.js';

const BIGINT = 'rivulet.bigint';
/** Names the cluster that runs what the page's engine refuses. */
const FALLBACK = 'spark.rivulet.fallbackRemote';

/** What a session has once its part is loaded. */
function started<T>(loaded: T | undefined): T {
  if (loaded === undefined) throw new SessionClosedError('The session is not started yet');
  return loaded;
}

/** The way into Rivulet: a driver, executors, and the DataFrames that run on them (`SparkSession`). */
export class SparkSession {
  /** A new builder: `await SparkSession.builder.master('local[2]').getOrCreate()`. */
  static get builder(): SparkSessionBuilder {
    return new SparkSessionBuilder();
  }

  /** Settings. */
  readonly conf: RuntimeConfig;
  /** Tables and views. */
  readonly catalog: Catalog;
  /** The streaming queries. */
  readonly streams: StreamingQueryManager;
  /** Checkpoints of streaming queries. */
  readonly checkpoint: Checkpoints;
  /** Executors, jobs and stages, for user interfaces. */
  readonly status: StatusEvents;
  readonly #wire = {
    post: (message: ToDriver, transfer?: Transferable[]) => {
      // A call finds what was written before it.
      if (message.t === 'req') this.#page?.sources.flush();
      this.#backendOrThrow().post(message, transfer);
    },
  };
  readonly #connection = new Connection(this.#wire);
  readonly #bus = new ListenerBus(this.#wire);
  readonly #context: Context & {
    rowOptions: { bigint: boolean };
    files: FileRegistry;
  };
  /** The page's ends of streams; undefined until the session's part is loaded. */
  #page: PageStreams | undefined;
  #credentials: Credentials | undefined;
  /** The workers, or the cluster; undefined while they start. */
  #backend: Backend | undefined;
  /** The workers; undefined while they start, and in a session on a Spark cluster. */
  #cluster: Cluster | undefined;
  /** Datasets; undefined in a session on a Spark cluster. */
  #sparkContext: SparkContext | undefined;
  #version = '';
  #stopped = false;

  private constructor(conf: Record<string, string>) {
    const client = new ConnectClient(this.#connection);
    const [sparkContext, page] = [() => this.sparkContext, () => started(this.#page)];
    this.#context = {
      client,
      rowOptions: { bigint: conf[BIGINT] === 'true' },
      files: new FileRegistry(this.#wire),
      kept: new KeptNeeds(),
      get sources() {
        return page().sources;
      },
      get readers() {
        return page().readers;
      },
      get runs() {
        return page().runs;
      },
      get sinks() {
        return page().sinks;
      },
      get sparkContext() {
        return sparkContext();
      },
    };
    this.conf = new RuntimeConfig(client, (key, value) => {
      if (key === BIGINT) this.#context.rowOptions.bigint = value === 'true';
    });
    this.catalog = new Catalog(this.#context);
    this.streams = new StreamingQueryManager(this.#context, this.#bus);
    this.checkpoint = new Checkpoints(this.#context);
    this.status = new StatusEvents(() => this.#backendOrThrow());
  }

  /** Takes what sessions need beside plans, once it is loaded. */
  #equip({ Credentials, PageStreams, decode, encode }: Part): void {
    this.#context.client.codec = { decode, encode };
    this.#page = new PageStreams(this.#wire, (arrow) => this.#ofArrow(arrow));
    this.#credentials = new Credentials({
      alarm: (inMs, work) => this.#cluster?.alarm(inMs, work) ?? (() => {}),
      postToAll: (message) => this.#cluster?.postToAll(message),
      isRemote: () => this.isRemote,
      now: Date.now,
    });
  }

  /** Starts the workers. @internal */
  static async start(executors: number, conf: Record<string, string>, assets: Assets, options: StartOptions = {}): Promise<SparkSession> {
    requireBrowser();
    const session = new SparkSession(conf);
    const behind = conf[FALLBACK] ? (await loadRemote()).fallbackTo(conf[FALLBACK]) : undefined;
    let fallback: Listening | undefined;
    const events = {
      message: (message: FromDriver) => (fallback ? fallback.receive(message) : session.#receive(message)),
      executor: (event: ExecutorEvent) => session.status.executor(event),
      closed: (error: SparkError) => session.#close(error),
      credentials: (wanted: CredentialsWanted, post: (answer: CredentialsAnswer) => void) => void session.credentials.answer(wanted, post),
    };
    const loading = loadPart();
    loading.catch(() => {});
    const cluster = await Cluster.start(executors, conf, assets, events, options);
    fallback = behind?.(cluster, (message) => session.#receive(message));
    session.#backend = fallback ?? cluster;
    session.#cluster = cluster;
    const running = () => session.#backendOrThrow() && cluster;
    const engine = {
      client: session.#context.client,
      lend: (id: number, blob: Blob) => running().lend(id, blob),
      takeBack: (id: number) => cluster.takeBack(id),
      hold: (dataset: number, blocks: Uint8Array[]) => {
        const moved = blocks.map((block) => block.buffer as ArrayBuffer);
        running().post({ t: 'hold', session: session.#context.client.sessionId, dataset, blocks }, moved);
      },
      stop: () => session.stop(),
      alarm: (inMs: number, work: () => void) => running().alarm(inMs, work),
    };
    const loaded = await unlessAborted(loading, options.signal).catch((error) => {
      cluster.stop();
      throw error;
    });
    session.#equip(loaded);
    session.#sparkContext = new loaded.SparkContext(engine, executors, conf, () => session.#stopped);
    belongs(session.#sparkContext, session.#context);
    // The engine has the settings already; this says which of them it cannot have.
    return session.#ready(conf, options.signal);
  }

  /** Begins a session on a Spark cluster. @internal */
  static async connect(address: string, conf: Record<string, string>, { signal }: StartOptions = {}): Promise<SparkSession> {
    const session = new SparkSession(conf);
    const [{ openRemote }, loaded] = await Promise.all([loadRemote(), loadPart()]);
    session.#equip(loaded);
    session.#backend = openRemote(address, (message) => session.#receive(message));
    const { 'spark.app.name': _, [BIGINT]: __, ...settings } = conf;
    return session.#ready(settings, signal);
  }

  /** Asks for the version and sets settings; a session that cannot have them is closed. */
  async #ready(conf: Record<string, string>, signal: AbortSignal | undefined): Promise<SparkSession> {
    const { client } = this.#context;
    try {
      const settled = Promise.all([client.analyze({ case: 'sparkVersion', value: {} }, signal), client.setConf(conf)]);
      const [{ version }] = await unlessAborted(settled, signal);
      this.#version = version;
      return this;
    } catch (error) {
      this.#close(new SessionClosedError('The session did not start'));
      throw error;
    }
  }

  /** @internal */
  get context(): Context {
    return this.#context;
  }
  /** Partitioned datasets of JavaScript values. Throws RIVULET_NOT_ON_A_CLUSTER in a session on a Spark cluster. */
  get sparkContext(): SparkContext {
    if (this.#sparkContext) return this.#sparkContext;
    throw new UnsupportedOperationException(
      "Datasets of JavaScript values (RDD) and DStreams run in the page, and not on a Spark cluster: use a session with master('local[*]') for them",
      { condition: 'RIVULET_NOT_ON_A_CLUSTER' },
    );
  }
  /** Functions of the page that return credentials for Kafka and Kinesis. */
  get credentials(): Credentials {
    return started(this.#credentials);
  }
  /** Whether the session runs on a Spark cluster, and not in this page. */
  get isRemote(): boolean {
    return this.#sparkContext === undefined;
  }
  /** The version of Spark whose behaviour this is. */
  get version(): string {
    return this.#version;
  }
  /** Whether the session was stopped or has lost its driver. */
  get isStopped(): boolean {
    return this.#stopped;
  }

  /**
   * Runs SQL. Commands take effect now, queries when an action asks for rows; errors in the text are thrown here. Values for the
   * markers `:name` and `?` are never parsed as SQL.
   * @example
   * ```ts
   * const old = await spark.sql('SELECT :age AS age WHERE :age > 30', { age: 36 });
   * await old.collect(); // → [{ age: 36 }]
   * ```
   */
  async sql(text: string, args?: SqlArguments): Promise<DataFrame> {
    return new DataFrame(this.#context, await sqlPlan(this.#context, text, args));
  }
  /**
   * Returns whole numbers as column `id`: from 0 to `end`, or from `start` to `end` by `step`, without `end` itself. Throws
   * a SparkTypeError for what is not a whole number of 64 bits.
   * @example
   * ```ts
   * (await spark.range(1, 10, 3).collect()).map((row) => row['id']); // → [1, 4, 7]
   * ```
   */
  range(start: number | bigint, end?: number | bigint, step: number | bigint = 1, numPartitions?: number): DataFrame {
    const [from, to] = end === undefined ? [0, start] : [start, end];
    const value = fitted(() => ({ start: longOf(from), end: longOf(to), step: longOf(step), numPartitions }));
    return new DataFrame(this.#context, planOf(this.#context, { case: 'range', value }));
  }
  /** Returns a table or view. An unknown name is the error TABLE_OR_VIEW_NOT_FOUND of the first action. */
  table(name: string): DataFrame {
    return this.read.table(name);
  }
  /**
   * Makes a table of rows, objects or arrays; the schema (DDL, StructType or column names) is inferred if not given. A missing
   * member is null. An RDD of rows needs its schema as DDL or StructType. Throws a SparkTypeError, which names column, row, value
   * and type, for a value that the type does not hold exactly.
   * @example
   * ```ts
   * const points = spark.createDataFrame([{ x: 1, y: 2.5 }, { x: 2, y: null }], 'x INT, y DOUBLE');
   * await points.collect(); // → [{ x: 1, y: 2.5 }, { x: 2, y: null }]
   * ```
   */
  createDataFrame<T extends Row | readonly unknown[]>(
    rows: Iterable<T> | RDD<T>,
    schema?: string | StructType | readonly string[],
  ): DataFrame {
    if (isDataset<T>(rows)) {
      if (schema === undefined || Array.isArray(schema))
        throw new SparkTypeError(
          "createDataFrame needs the schema of a dataset's rows, as DDL or StructType: nothing is computed to infer it",
          { condition: 'CANNOT_DETERMINE_TYPE' },
        );
      return new DataFrame(this.#context, part().frameOf(this.#context, rows, asSchema(schema as string | StructType)));
    }
    const all = [...rows];
    const names = Array.isArray(schema) ? (schema as readonly string[]) : undefined;
    const type = schema === undefined || names ? part().inferSchema(all, names) : asSchema(schema as string | StructType);
    return new DataFrame(this.#context, planOf(this.#context, localRelation(all, type)));
  }
  /** Reads tables. */
  get read(): DataFrameReader {
    return new DataFrameReader(this.#context);
  }
  /** Reads streams. */
  get readStream(): DataStreamReader {
    return new DataStreamReader(this.#context);
  }
  /** Cancels everything that runs; returns the ids of what was cancelled. */
  async interruptAll(): Promise<string[]> {
    return this.#context.client.interruptAll();
  }

  /** Ends the session: queries stop, workers end, memory returns to the page. Later calls throw a SessionClosedError. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    const deadline = new Promise((resolve) => setTimeout(resolve, this.isRemote ? 10_000 : 1_000));
    await Promise.race([this.#context.client.release().catch(() => {}), deadline]);
    this.#close(new SessionClosedError('The session is stopped'));
  }

  #close(error: SessionClosedError): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#context.files.stop();
    this.#context.kept.clear();
    this.#page?.stop();
    this.#credentials?.stop();
    this.#connection.close(error);
    this.#backend?.stop();
  }

  #backendOrThrow(): Backend {
    if (!this.#backend || this.#stopped) throw new SessionClosedError('The session is stopped');
    return this.#backend;
  }

  #ofArrow(arrow: Uint8Array[]): DataFrame {
    const data = part().joinStreams(arrow);
    return new DataFrame(this.#context, planOf(this.#context, { case: 'localRelation', value: { data } }), [data]);
  }

  #receive(message: FromDriver): void {
    if (this.#connection.receive(message) || this.#page?.receive(message)) return;
    switch (message.t) {
      case 'listener':
        return this.#bus.receive(message);
      case 'status':
        return this.status.receive(message.status);
      case 'console':
        return console.log(message.text);
    }
  }
}
