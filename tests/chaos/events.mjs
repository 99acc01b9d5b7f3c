// Events out of order, but never late: what becomes of them does not depend on where one batch ends and the next begins.

const BASE_MS = Date.UTC(2026, 0, 1);
const KEYS = 8;
/** A growing key comes again only within this many events. */
export const RECURS = 16;

/** How keys come: a few for ever, ones that pass, any that was ever there. */
const KEY_OF = {
  few: (id, random) => random.int(0, KEYS - 1),
  passing: (id, random) => Math.max(0, Math.floor((id - random.int(0, RECURS - 4)) / 4)),
  any: (id, random) => random.int(0, Math.floor(id / 2)),
};

/** Seconds of event time: between events, of the watermark's delay, and how far an event is out of order. */
export function drawTimes(random) {
  const step = random.int(1, 20);
  const delay = step * random.int(2 * RECURS, 4 * RECURS);
  return { step, delay, jitter: Math.floor(delay / 2) };
}

/**
 * What makes the events of one stream by their numbers. With `repeats`, one in four is an earlier event again, under its own
 * number. After `flush()` the next event is far in the future: it closes what is open.
 */
export function eventMaker(random, { step, delay, jitter }, { keys = 'few', repeats = false }) {
  const past = [];
  let flushing = false;
  const make = (id) => {
    let event = { id, k: `k${KEY_OF[keys](id, random)}`, ts: id * step - random.int(0, jitter), v: random.int(0, 9) };
    if (repeats && random.chance(0.25)) {
      const again = past[Math.max(0, id - random.int(1, RECURS))];
      // One that was a repetition itself may be too old by now.
      if (again && again.ts > id * step - delay) event = { ...again, id };
    }
    if (flushing) event = { id, k: 'flush', ts: id * step + 1_000 * delay, v: 1 };
    past.push(event);
    return event;
  };
  return {
    make: (id) => {
      const { ts, ...rest } = make(id);
      return { ...rest, ts: new Date(BASE_MS + ts * 1_000).toISOString() };
    },
    flush: () => (flushing = true),
  };
}

/** Events of the wire with their times in seconds since the epoch. */
export const inSeconds = (events) => events.map((event) => ({ ...event, ts: Date.parse(event.ts) / 1_000 }));
