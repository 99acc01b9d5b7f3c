/**
 * Sources of other systems, over the clients that a page brings itself: `import { jetStreamSource, mqttSource } from 'rivulet/sources'`.
 * Each is read with `spark.readStream.from(source)`.
 */
export { type JetStreamClient, type JetStreamMessage, type JetStreamOptions, jetStreamSource } from './sources/jet_stream.js';
export { type MqttClient, type MqttMessage, type MqttOptions, mqttSource } from './sources/mqtt.js';
