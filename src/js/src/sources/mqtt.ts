import type { PageSource } from '../sql/streaming/page_source.js';

/** Most messages of QoS 0 that wait for the engine. */
const MOST_WAITING = 10_000;

type Acknowledge = (code: number) => void;
type Packet = { qos: number; retain: boolean; dup: boolean };

/** What is used of a client of the package `mqtt` 5. */
export interface MqttClient {
  // biome-ignore lint/suspicious/noExplicitAny: the client's own types have more of each
  options: { customHandleAcks?: any };
  connected: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  on(event: any, listener: (...args: any[]) => void): unknown;
  subscribe(
    topic: string | string[],
    options: { qos: 0 | 1 | 2 },
    done: (error: (Error & { packet?: unknown }) | null, granted?: { topic: string; qos: number }[]) => void,
  ): unknown;
  end(): unknown;
}

/** A message with what acknowledges it; QoS 0 has no such thing. */
export interface MqttMessage {
  topic: string;
  payload: Uint8Array;
  packet: Packet;
  acknowledge?: Acknowledge;
}

/** How messages are delivered. */
export interface MqttOptions {
  /** 0 (at most once), 1 or 2 (at least once): 1. */
  qos?: 0 | 1 | 2;
}

/**
 * Describes the messages of topics of an MQTT broker, over a client that `connect` makes when a query begins:
 *
 * ```js
 * const sensors = mqttSource(() => mqtt.connect('wss://broker', { clientId: 'page-7', clean: false }), 'sensors/#', { qos: 1 });
 * const rows = spark.readStream.from(sensors);
 * ```
 *
 * With QoS 1 or 2, a client id of its own and a session that the broker keeps (`clean: false`, for MQTT 5 also
 * `properties: { sessionExpiryInterval }`), a query with a checkpoint loses no message, whatever happens to tab, connection and broker:
 * each is acknowledged once it is durable, and comes again if it was not; so some may be there twice. That holds for QoS 2, too, whose
 * promise ends in the memory of a client. The broker numbers no messages: an id in them, and `dropDuplicates`, leave one of each.
 * QoS 0 is best effort: what comes while nobody reads, or while 10,000 messages wait, is not there; the latter are counted.
 *
 * The client reads a message of QoS 1 or 2 only when the one before is durable. It must not be used for anything else.
 *
 * Rows have the columns `topic STRING, value BINARY, qos INT, retain BOOLEAN, duplicate BOOLEAN`; the last says that the broker may have
 * sent the message before.
 */
export function mqttSource(connect: () => MqttClient, topics: string | string[], { qos = 1 }: MqttOptions = {}): PageSource<MqttMessage> {
  return {
    name: [topics].flat().join(','),
    schema: 'topic STRING, value BINARY, qos INT, retain BOOLEAN, duplicate BOOLEAN',
    open: (_, signal) => new MqttMessages(connect(), topics, qos, signal),
    rowOf: ({ topic, payload, packet: { qos, retain, dup } }) => ({ topic, value: payload, qos, retain, duplicate: dup }),
    ack: ({ acknowledge }) => acknowledge?.(0),
  };
}

/** The messages of a client, one by one. */
class MqttMessages implements AsyncIterable<MqttMessage>, AsyncIterator<MqttMessage> {
  readonly #messages: MqttMessage[] = [];
  #dropped = 0;
  #isOver = false;
  #failure: Error | undefined;
  #wake: () => void = () => {};

  constructor(client: MqttClient, topics: string | string[], qos: 0 | 1 | 2, signal: AbortSignal) {
    // In place before the broker's answer: a session that it kept begins with messages at once, and what the client acknowledges by
    // itself is not durable anywhere. For QoS 2 that is the answer to the message itself, after which the broker forgets it.
    client.options.customHandleAcks = (topic: string, payload: Uint8Array, packet: Packet, acknowledge: Acknowledge) =>
      this.#add({ topic, payload, packet, acknowledge });
    client.on('message', (topic: string, payload: Uint8Array, packet: Packet) => {
      if (packet.qos > 0) return;
      if (this.#messages.length < MOST_WAITING) this.#add({ topic, payload, packet });
      else this.#dropped += 1;
    });
    // A connection that is lost is opened again by the client; a refusal has a code.
    client.on('error', (error: Error & { code?: unknown }) => typeof error.code === 'number' && this.#end(error));
    client.on('end', () => this.#end(new Error('The client has ended')));
    let isSubscribed = false;
    const subscribe = () => {
      // The client itself subscribes again to what the broker has once granted.
      if (isSubscribed) return;
      client.subscribe(topics, { qos }, (error, granted = []) => {
        // Without an answer of the broker, the connection is lost: the next one tries again.
        if (error) return error.packet && this.#end(error);
        const less = granted.find((one) => one.qos !== qos);
        if (less) return this.#end(new Error(`The broker grants QoS ${less.qos} for ${less.topic}, not ${qos}`));
        isSubscribed = true;
      });
    };
    client.on('connect', subscribe);
    if (client.connected) subscribe();
    signal.addEventListener('abort', () => {
      this.#end();
      client.end();
    });
  }

  #add(message: MqttMessage): void {
    if (this.#isOver) return;
    this.#messages.push(message);
    this.#wake();
  }
  #end(failure?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure = failure;
    this.#wake();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
  async next(): Promise<IteratorResult<MqttMessage>> {
    while (this.#messages.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const value = this.#messages.shift();
    if (value) return { done: false, value };
    if (this.#failure) throw this.#failure;
    return { done: true, value: undefined };
  }

  /** How many messages found no room since the last call. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }
}
