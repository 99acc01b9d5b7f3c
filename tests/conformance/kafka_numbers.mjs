// What the runs over Kafka write and expect: numbers over the partitions of a topic, one every ten milliseconds of time, and how many of
// them each minute has.

export const PARTITIONS = 4;
const PER_SEND = 5_000;
const BEGIN_MS = 1_700_000_040_000;
/** Milliseconds between two records' times. */
const STEP_MS = 10;
const timeOf = (n) => BEGIN_MS + n * STEP_MS;

/** Makes the topic `numbers` with that many records, and an empty one for counts. */
export async function fill(broker, records) {
  await broker.create('numbers', PARTITIONS);
  await broker.create('counts', 1);
  for (let from = 0; from < records; from += PER_SEND) {
    const numbers = Array.from({ length: Math.min(PER_SEND, records - from) }, (_, n) => from + n);
    const message = (n) => ({ partition: n % PARTITIONS, value: String(n), timestamp: String(timeOf(n)) });
    await broker.sendAnywhere('numbers', numbers.map(message));
  }
}

/** What files hold that have each record once. */
export const whole = (records) => ({ records, places: records, numbers: records, sum: (records * (records - 1)) / 2 });

/**
 * Waits until the last counts in the topic `counts` are right; returns how many windows there are, and how many counts were written: they
 * only grow, and some are written again by a life that was killed before it could say so.
 */
export async function countsWritten(broker, records) {
  const windows = new Map();
  for (let n = 0; n < records; n++) {
    const start = String(Math.floor(timeOf(n) / 60_000) * 60);
    windows.set(start, (windows.get(start) ?? 0) + 1);
  }
  const last = new Map();
  let written = 0;
  await broker.readUntil('counts', ({ key, value }) => {
    written += 1;
    last.set(key, Math.max(last.get(key) ?? 0, Number(value)));
    return last.size === windows.size && [...windows].every(([start, count]) => last.get(start) === count);
  });
  return { windows: windows.size, written };
}
