/**
 * What a page's plans read that only the page has — its files, its streams, its sockets — as what a Spark cluster can read: relations
 * of the rows themselves, and tables that the page appends to.
 */
import { create } from '@bufbuild/protobuf';
import { type Read_DataSource, type Relation, RelationSchema } from '../generated/remote/spark/connect/relations_pb.js';
import type { FromDriver } from '../protocol.js';
import { parseSchema, typeFromJson } from '../values/ddl.js';
import { StructType, type TypeJson } from '../values/types.js';
import type { Calls } from './calls.js';
import { failure, notThere, RemoteFailure } from './failures.js';
import { Inlet, type InletFormat } from './inlet.js';
import { optionOf, parsed, unpacked } from './lines.js';
import { listen } from './sockets.js';

/** Paths of files that the page has registered begin so. */
const PAGE_FILE = 'rivulet-file:/';
/** Formats of files that a page can bring to a cluster. */
const FORMATS = new Set(['json', 'csv', 'text']);
/** Bytes above which a local relation is brought once, and then named by its hash. */
const CACHED_BYTES = 1 << 20;

/** A table that the page appends to, and what does it. */
interface Stream {
  inlet: Inlet;
  /** Begins to read; undefined after it has begun, or where the page writes by itself. */
  begin: (() => () => void) | undefined;
  /** Ends the reading. */
  end: (() => void) | undefined;
  /** Whether a query with a checkpoint reads it: then the page waits until what it writes is durable. */
  isDurable: boolean;
}

/** Says something to the page, as the driver in a worker does. */
export type Tell = (message: Extract<FromDriver, { t: 'openSource' | 'sourceCredit' | 'closeSource' }>) => void;

/** Passes a push source's credit to the page; `durable` is null where nobody waits for that. */
export type Credit = (source: string, received: number, queuedBytes: number, durable: number | null) => void;

/** How a query is started: whether it has a checkpoint; undefined for a request that starts none. */
export type Start = { hasCheckpoint: boolean } | undefined;

/** The page's sources of one session. */
export class PageSources {
  readonly #files = new Map<string, Blob>();
  /** Streams by what they are of: the id of a push source, or of the relation that reads files or a socket. */
  readonly #streams = new Map<string, Stream>();
  /** Hashes of local relations that the server has. */
  readonly #brought = new Set<string>();
  /** What was written to push sources that no query reads yet. */
  readonly #early = new Map<string, Uint8Array[]>();
  /** What the page reads for queries, by connection: the stream, and whether more of it is at hand. */
  readonly #reading: { key: string; isComing: boolean }[] = [];
  /** Who waits until nothing is at hand. */
  #waiting: (() => void)[] = [];
  readonly #key: string;
  #next = 0;

  constructor(
    private readonly calls: Calls,
    private readonly credit: Credit,
    private readonly tell: Tell,
  ) {
    this.#key = calls.sessionId.replaceAll('-', '_');
  }

  /** Registers a file of the page, or removes it; one that appears in a folder that a stream reads is read. */
  file(path: string, blob: Blob | null): void {
    if (!blob) {
      this.#files.delete(path);
      return;
    }
    this.#files.set(path, blob);
    for (const [key, stream] of this.#streams) {
      const folder = key.startsWith(PAGE_FILE) ? key.slice(0, key.indexOf('#')) : undefined;
      if (folder !== undefined && path.startsWith(`${folder}/`)) stream.inlet.pushFile(blob);
    }
  }

  /** Takes what the page wrote to a push source; it may come before any query reads the source. */
  push(source: string, block: Uint8Array): void {
    const stream = this.#streams.get(source);
    if (stream) stream.inlet.push(block);
    else this.#early.set(source, [...(this.#early.get(source) ?? []), block]);
  }

  /** Takes what the page has read of a source; undefined if it has no more at hand. */
  read(connection: number, block: Uint8Array | undefined): void {
    const reading = this.#reading[connection];
    if (!reading) return;
    reading.isComing = block !== undefined;
    if (block) this.#take(reading.key, block);
    else for (const go of this.#waiting.splice(0)) go();
  }

  /** Waits until all that the page has written, or has at hand, is in the tables. */
  async flushed(): Promise<void> {
    while (this.#reading.some(({ isComing }) => isComing)) await new Promise<void>((go) => this.#waiting.push(go));
    await Promise.all([...this.#streams.values()].map(({ inlet }) => inlet.flushed()));
  }

  /** Ends all streams and drops their tables. */
  async close(): Promise<void> {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const { end } of streams) end?.();
    await Promise.all(streams.map(({ inlet }) => inlet.drop()));
  }

  /** Ends the sockets, where no more can be sent. */
  abandon(): void {
    for (const { end } of this.#streams.values()) end?.();
  }

  /** Puts into a request what a cluster can read, in place of what only the page has. One that starts a query opens sockets. */
  async rewrite(request: unknown, start?: Start): Promise<void> {
    const pending: Promise<void>[] = [];
    for (const message of messagesIn(request)) {
      const kind = message as unknown as { function?: { case?: string } };
      if (kind.function?.case === 'scalarScalaUdf') throw notThere('Functions of the page over state run');
      if (message.$typeName !== 'spark.connect.Relation') continue;
      const relation = message as unknown as Relation;
      const { relType } = relation;
      if (relType.case === 'extension') throw notThere('Datasets of JavaScript values (RDD) run');
      if (relType.case === 'localRelation' && (relType.value.data?.byteLength ?? 0) > CACHED_BYTES) pending.push(this.#cache(relation));
      if (relType.case !== 'read' || relType.value.readType.case !== 'dataSource') continue;
      const { isStreaming, readType } = relType.value;
      pending.push(isStreaming ? this.#stream(relation, readType.value, start) : this.#table(relation, readType.value));
    }
    await Promise.all(pending);
  }

  /** A batch read of the page's files: their rows. */
  async #table(relation: Relation, source: Read_DataSource): Promise<void> {
    const format = (source.format ?? 'parquet').toLowerCase();
    const { paths } = source;
    if (!paths.some((path) => path.startsWith(PAGE_FILE))) return;
    const files = paths.flatMap((path) => this.#filesAt(path));
    if (!FORMATS.has(format)) throw notThere(`Files of the page in format ${format} are read`);
    if (format === 'csv' && optionOf(source.options, 'multiLine')?.toLowerCase() === 'true') {
      throw notThere('CSV files of the page with records of several lines are read');
    }
    const schema = source.schema ? schemaOf(source.schema) : undefined;
    const texts = await Promise.all(files.map((blob) => unpacked(blob).text()));
    const rows = parsed(texts, { format, schema, options: source.options });
    await this.rewrite(rows);
    relation.relType = rows.relType;
  }

  /** A stream that the page has: its table. */
  async #stream(relation: Relation, source: Read_DataSource, start: Start): Promise<void> {
    const format = (source.format ?? 'parquet').toLowerCase();
    const stream = this.#streamOf(relation, source, format);
    if (!stream) return;
    await stream.inlet.open();
    if (start?.hasCheckpoint && !stream.isDurable) {
      stream.isDurable = true;
      stream.inlet.report();
    }
    if (start && stream.begin) {
      const { begin } = stream;
      stream.begin = undefined;
      stream.end = begin();
    }
    const unparsedIdentifier = `\`${stream.inlet.table}\``;
    relation.relType = create(RelationSchema, {
      relType: { case: 'read', value: { isStreaming: true, readType: { case: 'namedTable', value: { unparsedIdentifier } } } },
    }).relType;
  }

  #streamOf(relation: Relation, source: Read_DataSource, format: string): Stream | undefined {
    const planId = String(relation.common?.planId ?? '');
    const { options, paths } = source;
    const as = (recordFormat: string): InletFormat => ({
      format: recordFormat,
      schema: recordFormat === 'text' ? parseSchema('value STRING') : schemaOf(source.schema),
      options,
    });
    if (format === 'rivulet.push') {
      const id = optionOf(options, 'sourceId') ?? '';
      return this.#known(id, () => {
        const heard = (stored: number, queuedBytes: number) =>
          this.credit(id, stored, queuedBytes, this.#streams.get(id)?.isDurable ? stored : null);
        const inlet = this.#inlet(as(optionOf(options, 'recordFormat') ?? 'arrow'), heard);
        for (const block of this.#early.get(id) ?? []) inlet.push(block);
        this.#early.delete(id);
        return { inlet, begin: undefined, end: undefined, isDurable: false };
      });
    }
    if (format === 'rivulet.page') {
      const key = `page#${planId}`;
      return this.#known(key, () => {
        const reading = { key, isComing: false };
        const connection = this.#reading.push(reading) - 1;
        const heard = (stored: number) => this.tell({ t: 'sourceCredit', connection, taken: stored, durable: stored });
        const inlet = this.#inlet(as(optionOf(options, 'recordFormat') ?? 'arrow'), heard);
        const begin = () => {
          const id = optionOf(options, 'pageSource') ?? '';
          reading.isComing = true;
          this.tell({ t: 'openSource', connection, source: id, after: null, isLogged: true });
          return () => {
            this.tell({ t: 'closeSource', connection });
            this.read(connection, undefined);
          };
        };
        return { inlet, begin, end: undefined, isDurable: false };
      });
    }
    if (format === 'websocket' || format === 'sse') {
      if (optionOf(options, 'ack')?.toLowerCase() === 'true') throw notThere('Acknowledgements to a WebSocket (option ack) are sent');
      const url = optionOf(options, 'url');
      if (url === undefined) throw wrongOption(`The source ${format} needs the option url`);
      const key = `${format}#${planId}`;
      return this.#known(key, () => {
        const inlet = this.#inlet(as((optionOf(options, 'recordFormat') ?? 'json').toLowerCase()));
        const event = optionOf(options, 'event');
        return { inlet, begin: () => listen(format, url, event, (records) => this.#take(key, records)), end: undefined, isDurable: false };
      });
    }
    const [path] = paths;
    if (path === undefined || !path.startsWith(PAGE_FILE)) return undefined;
    if (!FORMATS.has(format)) throw notThere(`Streams of the page's files in format ${format} are read`);
    return this.#known(`${path}#${planId}`, () => {
      const inlet = this.#inlet(as(format));
      for (const blob of this.#filesAt(path)) inlet.pushFile(blob);
      return { inlet, begin: undefined, end: undefined, isDurable: false };
    });
  }

  /** Takes what a socket brings; one whose records the cluster does not take is closed. */
  #take(key: string, records: Uint8Array): void {
    const stream = this.#streams.get(key);
    try {
      stream?.inlet.push(records);
    } catch (error) {
      console.error('[rivulet] the cluster takes no more of a stream, which ends here:', error);
      stream?.end?.();
    }
  }

  #known(key: string, make: () => Stream): Stream {
    let stream = this.#streams.get(key);
    if (!stream) this.#streams.set(key, (stream = make()));
    return stream;
  }

  #inlet(as: InletFormat, heard?: (stored: number, queuedBytes: number) => void): Inlet {
    return new Inlet(this.calls, `rivulet_${this.#key}_${this.#next++}`, as, heard);
  }

  #filesAt(path: string): Blob[] {
    const one = this.#files.get(path);
    return one ? [one] : [...this.#files].filter(([name]) => name.startsWith(`${path}/`)).map(([, blob]) => blob);
  }

  /** Puts a local relation's hash in its place, and brings it to the server if it is not there (`ChunkedCachedLocalRelation`). */
  async #cache(relation: Relation): Promise<void> {
    if (relation.relType.case !== 'localRelation') return;
    const { data, schema } = relation.relType.value;
    const parts = [data ?? new Uint8Array(), ...(schema === undefined ? [] : [new TextEncoder().encode(schema)])];
    const hashes = await Promise.all(parts.map((part) => hashOf(part)));
    const names = hashes.filter((hash) => !this.#brought.has(hash)).map((hash) => `cache/${hash}`);
    const there = names.length > 0 ? await this.calls.artifacts(names) : new Set<string>();
    for (const [i, hash] of hashes.entries()) {
      const name = `cache/${hash}`;
      if (names.includes(name) && !there.has(name)) await this.calls.addArtifact(name, parts[i] as Uint8Array);
      this.#brought.add(hash);
    }
    const [dataHash = '', schemaHash] = hashes;
    relation.relType = create(RelationSchema, {
      relType: { case: 'chunkedCachedLocalRelation', value: { dataHashes: [dataHash], ...(schemaHash !== undefined && { schemaHash }) } },
    }).relType;
  }
}

interface AnyMessage {
  $typeName: string;
}

/** All messages within a message, itself first. */
function* messagesIn(value: unknown): Generator<AnyMessage> {
  if (Array.isArray(value)) for (const one of value) yield* messagesIn(one);
  else if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
    if ('$typeName' in value) yield value as AnyMessage;
    for (const one of Object.values(value)) if (typeof one === 'object') yield* messagesIn(one);
  }
}

/** The schema that a reader was given, as DDL or JSON. */
function schemaOf(text: string | undefined): StructType {
  if (text === undefined) throw wrongOption('A stream of the page needs a schema');
  if (!text.trimStart().startsWith('{')) return parseSchema(text);
  const type = typeFromJson(JSON.parse(text) as TypeJson);
  if (!(type instanceof StructType)) throw wrongOption('The schema of a reader is a struct');
  return type;
}

function wrongOption(message: string): RemoteFailure {
  return new RemoteFailure(failure('IllegalArgumentException', 'RIVULET_REMOTE_SOURCE', `${message}.`));
}

async function hashOf(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
