/**
 * Functions of the page that a cluster's queries call with each micro-batch. Spark Connect runs such functions in Python, beside the
 * server. Ours is a small Python function that says through two settings of the session which batch there is, and waits until the page
 * has done with it; the page reads the batch as any other table.
 */

import { create } from '@bufbuild/protobuf';
import type { WriteStreamOperationStart } from '../generated/remote/spark/connect/commands_pb.js';
import { StreamingForeachFunctionSchema } from '../generated/remote/spark/connect/commands_pb.js';
import { RelationSchema } from '../generated/remote/spark/connect/relations_pb.js';
import type { FromDriver, ToDriver, WireError } from '../protocol.js';
import { uuid } from '../uuid.js';
import type { Calls } from './calls.js';
import { optionOf } from './lines.js';

type Batch = Extract<FromDriver, { t: 'foreachBatch' }>;
type Done = Extract<ToDriver, { t: 'foreachBatchDone' }>;

/** How often the page looks for a batch, ms: at first, and at most. */
const [LOOK_MS, LOOK_SELDOM_MS] = [20, 200];
/** How often the page says that it is alive, ms; timers of a page in the background ring once a minute. */
const ALIVE_MS = 10_000;
/** How long the server waits for a page that says nothing, s. */
const PATIENCE_S = 300;
/** How much of an error's message goes to the server. */
const MOST_MESSAGE = 4_000;

/** The function in Python: its settings' name and the session's id are put in. */
const program = (key: string, sessionId: string) => `
import json, os, time
from pyspark.sql.connect.session import SparkSession

KEY = ${JSON.stringify(key)}
state = {}

def call(batch, number):
    if "session" not in state:
        url = os.environ["SPARK_CONNECT_LOCAL_URL"] + ";session_id=" + ${JSON.stringify(sessionId)}
        state["session"] = SparkSession.builder.remote(url).create()
    conf = state["session"].conf
    call = state["call"] = state.get("call", 0) + 1
    conf.set(KEY + ".batch", json.dumps({
        "call": call,
        "batchId": number,
        "session": batch.sparkSession.session_id,
        "relation": batch._plan._relation_id,
    }))
    heard, since = None, time.time()
    while True:
        done = json.loads(conf.get(KEY + ".done", "{}"))
        if done.get("call") == call:
            if done.get("error") is not None:
                raise RuntimeError(done["error"])
            return
        alive = conf.get(KEY + ".alive", "")
        if alive != heard:
            heard, since = alive, time.time()
        elif time.time() - since > ${PATIENCE_S}:
            raise RuntimeError("The page whose function this query calls does not answer any more.")
        time.sleep(0.005)
`;

/** Pickles a Python function by its source, so that it is of no version of Python: as `eval` of an expression that makes it. */
export function pickled(source: string): Uint8Array<ArrayBuffer> {
  const expression = `(lambda names: (exec(${JSON.stringify(source)}, names), names["call"])[1])({})`;
  const text = new TextEncoder().encode(expression);
  const head = new TextEncoder().encode('\x02cbuiltins\neval\nX');
  const bytes = new Uint8Array(1 + head.length + 4 + text.length + 3);
  bytes[0] = 0x80;
  bytes.set(head, 1);
  new DataView(bytes.buffer).setUint32(1 + head.length, text.length, true);
  bytes.set(text, 1 + head.length + 4);
  // A tuple of one, called, end.
  bytes.set([0x85, 0x52, 0x2e], bytes.length - 3);
  return bytes;
}

/** What follows for a query that calls a function of the page while it starts. */
interface Starting {
  /** It runs, under this id. */
  started(runId: string): void;
  /** It was refused; returns whether it is to be started again. */
  again(error: WireError): boolean;
  /** It runs, or never will. */
  settled(): void;
}

/** A query that calls a function of the page. */
interface Called {
  sink: string;
  key: string;
  /** The number of the call that the page is busy with. */
  call: number | undefined;
  ended: boolean;
}

/** The functions of the page that queries of a session call. */
export class PageFunctions {
  readonly #called = new Map<string, Called>();
  /** Queries whose start is not answered yet, and the runs that have ended meanwhile. */
  #starting = 0;
  readonly #endedEarly = new Set<string>();
  /** The version of Python in the server, as far as it is known. */
  #python = '3.11';

  constructor(
    private readonly calls: Calls,
    private readonly tell: (batch: Batch) => void,
  ) {}

  /**
   * Puts the Python function into a command that starts a query, in place of the page's sink. Returns undefined for a query that calls
   * no function.
   */
  prepare(start: WriteStreamOperationStart): Starting | undefined {
    if (start.format !== 'rivulet.foreachBatch') return undefined;
    const sink = optionOf(start.options, 'sinkId') ?? '';
    const key = `spark.rivulet.foreachBatch.${uuid()}`;
    const command = pickled(program(key, this.calls.sessionId));
    const put = () => {
      start.foreachBatch = create(StreamingForeachFunctionSchema, {
        function: { case: 'pythonFunction', value: { command, pythonVer: this.#python } },
      });
    };
    this.#starting += 1;
    start.format = '';
    delete start.options['sinkId'];
    put();
    return {
      started: (runId) => {
        if (this.#endedEarly.has(runId)) return;
        const called: Called = { sink, key, call: undefined, ended: false };
        this.#called.set(runId, called);
        void this.#serve(runId, called);
      },
      again: ({ message }) => {
        // "Python in worker has different version: 3.12 than that in driver: 3.11"
        const [, version] = /PYTHON_VERSION_MISMATCH.*?different version: (\d+\.\d+)/s.exec(message) ?? [];
        if (version === undefined || version === this.#python) return false;
        this.#python = version;
        put();
        return true;
      },
      settled: () => {
        this.#starting -= 1;
        if (this.#starting === 0) this.#endedEarly.clear();
      },
    };
  }

  /** The page has done with a batch. */
  async done({ run, error }: Done): Promise<void> {
    const called = this.#called.get(run);
    if (called?.call === undefined) return;
    const { call, key } = called;
    called.call = undefined;
    const answer = { call, ...(error && { error: error.message.slice(0, MOST_MESSAGE) }) };
    await this.calls.set({ [`${key}.done`]: JSON.stringify(answer) });
  }

  /** A query has ended. */
  ended(runId: string): void {
    const called = this.#called.get(runId);
    if (called) called.ended = true;
    else if (this.#starting > 0) this.#endedEarly.add(runId);
    this.#called.delete(runId);
  }

  /** All have ended. */
  stop(): void {
    for (const runId of [...this.#called.keys()]) this.ended(runId);
  }

  /** Looks for batches as long as the query runs. */
  async #serve(run: string, called: Called): Promise<void> {
    let [last, waitMs, aliveMs] = [0, LOOK_MS, 0];
    while (!called.ended) {
      try {
        if (Date.now() - aliveMs > ALIVE_MS) {
          aliveMs = Date.now();
          await this.calls.set({ [`${called.key}.alive`]: String(aliveMs) });
        }
        const [text] = called.call === undefined ? await this.calls.settings([`${called.key}.batch`]) : [];
        const found =
          text === undefined ? undefined : (JSON.parse(text) as { call: number; batchId: number; session: string; relation: string });
        if (found && found.call > last && !called.ended) {
          last = called.call = found.call;
          waitMs = LOOK_MS;
          this.tell({ t: 'foreachBatch', sink: called.sink, run, batchId: found.batchId, arrow: await this.#rows(found) });
          continue;
        }
      } catch (error) {
        if (called.ended) return;
        if (called.call !== undefined)
          await this.done({ t: 'foreachBatchDone', run, batchId: 0, error: { message: String(error), stack: '' } }).catch(() => {});
        waitMs = LOOK_SELDOM_MS;
      }
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      waitMs = Math.min(LOOK_SELDOM_MS, waitMs * 1.2);
    }
  }

  /** The rows of a batch, as Arrow streams, each in a buffer of its own: its values must lie where numbers may. */
  async #rows({ session, relation: relationId }: { session: string; relation: string }): Promise<Uint8Array[]> {
    const root = create(RelationSchema, { relType: { case: 'cachedRemoteRelation', value: { relationId } } });
    const responses = await this.calls.run({ root }, session);
    return responses.flatMap(({ responseType }) => (responseType.case === 'arrowBatch' ? [responseType.value.data.slice()] : []));
  }
}
