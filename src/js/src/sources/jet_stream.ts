import type { PageSource, SourceOffset } from '../sql/streaming/page_source.js';

/** What is used of a message of the package `@nats-io/jetstream`. */
export interface JetStreamMessage {
  subject: string;
  seq: number;
  data: Uint8Array;
  time: Date;
  ack(): void;
}

interface Messages extends AsyncIterable<JetStreamMessage> {
  stop(error?: Error): void;
}

/** What is used of a client of the package `@nats-io/jetstream`, as `jetstream(connection)` returns it. */
export interface JetStreamClient {
  consumers: {
    get(
      stream: string,
      consumer?: string | { filter_subjects?: string | string[]; opt_start_seq?: number },
    ): Promise<{ consume(): Promise<Messages> }>;
  };
  streams: { get(stream: string): Promise<{ info(): Promise<{ state: { first_seq: number } }> }> };
}

/** What of a stream is read, and how. */
export interface JetStreamOptions {
  /** Only messages of these subjects. */
  subjects?: string | string[];
  /** The sequence number that a query without a past begins with: 1, which is the oldest message. */
  startSequence?: number;
  /**
   * Whether a query ends with an error if messages after its last one may be gone from the stream: true. False reads what is left.
   * The server deletes by the limits of the stream, whatever the subject: with `subjects`, what is gone may be of others.
   */
  failOnDataLoss?: boolean;
  /**
   * The name of a durable consumer with explicit acknowledgements. The server then knows what is read: messages are acknowledged when
   * they are durable, and come again if they were not.
   */
  consumer?: string;
}

/**
 * Describes a stream of NATS JetStream, read by sequence number: with a checkpoint, each message is there exactly once, whatever happens
 * to the tab, the connection and the server, as long as the stream keeps it. With `consumer` the server keeps the position: no message
 * is lost, and some may come twice, which `dropDuplicates(['seq'])` mends.
 *
 * Rows have the columns `subject STRING, seq BIGINT, value BINARY, timestamp TIMESTAMP`.
 * @param js of `jetstream(await wsconnect({ servers: 'wss://…' }))`
 */
export function jetStreamSource(
  js: JetStreamClient,
  stream: string,
  { subjects, startSequence = 1, failOnDataLoss = true, consumer }: JetStreamOptions = {},
): PageSource<JetStreamMessage> {
  const open = async (after: SourceOffset | undefined, signal: AbortSignal): Promise<AsyncIterable<JetStreamMessage>> => {
    const next = after === undefined ? startSequence : Number(after) + 1;
    if (after !== undefined && failOnDataLoss && consumer === undefined) {
      const { first_seq: first } = (await (await js.streams.get(stream)).info()).state;
      if (first > next) {
        const gone = first - 1 === next ? `Message ${next} is` : `Messages ${next} to ${first - 1} are`;
        throw new Error(`${gone} gone from the stream ${stream}. To continue with what is left, set failOnDataLoss to false`);
      }
    }
    const ordered = { opt_start_seq: next, ...(subjects !== undefined && { filter_subjects: subjects }) };
    const messages = await (await js.consumers.get(stream, consumer ?? ordered)).consume();
    if (signal.aborted) messages.stop();
    signal.addEventListener('abort', () => messages.stop());
    return untilStopped(messages, stream, signal);
  };
  return {
    name: stream,
    schema: 'subject STRING, seq BIGINT, value BINARY, timestamp TIMESTAMP',
    open,
    rowOf: ({ subject, seq, data, time }) => ({ subject, seq, value: data, timestamp: time }),
    ...(consumer === undefined ? { offsetOf: ({ seq }: JetStreamMessage) => seq } : { ack: (message: JetStreamMessage) => message.ack() }),
  };
}

/** The messages; an end that the query did not want is an error. */
async function* untilStopped(messages: Messages, stream: string, signal: AbortSignal): AsyncGenerator<JetStreamMessage> {
  yield* messages;
  if (!signal.aborted) throw new Error(`The consumer of the stream ${stream} has ended: its connection is closed`);
}
