// Queries, each beside the model that says what must come out. The page runs the query, this side the model.
// `keys` and `repeats` are of the events (events.mjs), `streams` is how many there are; times of a model are in seconds.
//
// What a sink holds is compared by the mode: of append, all rows of all batches; of update, the last row of each key (its first
// `by` columns), while the count after them grows from batch to batch; of complete, the last batch.

const seconds = (n) => `${n} seconds`;
const line = (row) => JSON.stringify(row);

/** The watermark when all is processed: of the stream that is least far. */
const lastWatermark = (streams, { delay }) =>
  Math.min(...streams.map((events) => events.reduce((latest, { ts }) => Math.max(latest, ts), -Infinity) - delay));

/** Rows [...key, count, sum] of values by key. */
function sums(keyed) {
  const found = new Map();
  for (const [key, v] of keyed) {
    const row = found.get(line(key)) ?? [...key, 0, 0];
    row[key.length] += 1;
    row[key.length + 1] += v;
    found.set(line(key), row);
  }
  return [...found.values()];
}

/** Start and end of each window that an event is in. */
function windowsOf(ts, { length, slide }) {
  const windows = [];
  for (let start = Math.floor(ts / slide) * slide; start + length > ts; start -= slide) windows.push([start, start + length]);
  return windows;
}
const windowSums = (events, params) => sums(events.flatMap(({ k, ts, v }) => windowsOf(ts, params).map((w) => [[...w, k], v])));

function unique(events, keyOf) {
  const seen = new Set();
  return events.filter((event) => !seen.has(keyOf(event)) && seen.add(keyOf(event)));
}

const drawWindow = (random, { step }) => {
  const slide = step * random.int(2, 12);
  return { slide, length: slide * random.int(1, 3) };
};
const marked = (df, { delay }) => df.withWatermark('ts', seconds(delay));
const windowed = (df, { length, slide }, F) =>
  df
    .groupBy(F.window('ts', seconds(length), seconds(slide)).alias('w'), 'k')
    .agg(F.count('*').alias('n'), F.sum('v').alias('s'))
    .selectExpr('unix_seconds(w.start) AS a', 'unix_seconds(w.end) AS b', 'k', 'n', 's');

const JOINED = 'l.k = r.k AND r.ts >= l.ts AND r.ts <= l.ts + INTERVAL';
const join = ([left, right], params, F, how) =>
  marked(left, params)
    .alias('l')
    .join(marked(right, params).alias('r'), F.expr(`${JOINED} ${params.range} SECONDS`), how)
    .selectExpr('l.id AS a', 'r.id AS b', 'l.v + coalesce(r.v, 0) AS v');
const pairs = (left, right, { range }) => right.filter((r) => r.k === left.k && r.ts >= left.ts && r.ts <= left.ts + range);
const drawRange = (random, { step }) => ({ range: step * random.int(1, 6) });

/** Running count and sum by key, in a state of the function's own. */
const running = (key, rows, state) => {
  const before = state.exists ? state.get() : { n: 0, s: 0 };
  const now = { n: before.n + rows.length, s: rows.reduce((sum, { v }) => sum + Number(v), before.s) };
  state.update(now);
  return [{ k: key.k, ...now }];
};

/** A key's count and sum when nothing more came of it for a time. */
const untilSilence = (key, rows, state, { spanMs }) => {
  if (state.hasTimedOut) {
    const { n, s } = state.get();
    state.remove();
    return [{ k: key.k, n, s }];
  }
  const before = state.exists ? state.get() : { n: 0, s: 0, latest: -Infinity };
  const now = {
    n: before.n + rows.length,
    s: rows.reduce((sum, { v }) => sum + Number(v), before.s),
    latest: Math.max(before.latest, ...rows.map(({ ts }) => ts.getTime())),
  };
  state.update(now);
  state.setTimeoutTimestamp(now.latest + spanMs);
  return [];
};

/** Counts by value in a map, all values in a list: what comes out is made of both. */
const counting = () =>
  class {
    init(handle) {
      this.counts = handle.getMapState('counts');
      this.values = handle.getListState('values');
    }
    handleInputRows(key, rows) {
      for (const { v } of rows) {
        this.counts.updateValue(Number(v), (this.counts.getValue(Number(v)) ?? 0) + 1);
        this.values.appendValue(Number(v));
      }
      const n = [...this.counts.values()].reduce((sum, count) => sum + count, 0);
      return [{ k: key.k, n, s: [...this.values.get()].reduce((sum, value) => sum + value, 0) }];
    }
  };
const SUMS = { outputSchema: 'k STRING, n BIGINT, s BIGINT' };

function sessionsOf(events, { gap }) {
  const sessions = [];
  const open = new Map();
  for (const { k, ts, v } of [...events].sort((a, b) => a.ts - b.ts)) {
    let session = open.get(k);
    if (!session || ts > session[1]) {
      session = [ts, ts, k, 0, 0];
      open.set(k, session);
      sessions.push(session);
    }
    session[1] = ts + gap;
    session[3] += 1;
    session[4] += v;
  }
  return sessions;
}

export const PIPELINES = {
  rows: {
    query: ([events]) => events.filter('id % 3 <> 1').selectExpr('id', 'k', 'v * 2 AS w'),
    expected: ([events]) => events.filter(({ id }) => id % 3 !== 1).map(({ id, k, v }) => [id, k, v * 2]),
  },
  'join with a table': {
    query: ([events], _, F, spark) => {
      const names = spark.createDataFrame(
        [0, 1, 2, 3].map((n) => [`k${n}`, `name ${n}`]),
        'k STRING, name STRING',
      );
      return events.join(names, 'k').select('id', 'name');
    },
    expected: ([events]) => events.filter(({ k }) => /^k[0-3]$/.test(k)).map(({ id, k }) => [id, `name ${k[1]}`]),
  },
  distinct: {
    keys: 'any',
    query: ([events]) => events.dropDuplicates(['k']).select('k'),
    expected: ([events]) => unique(events, ({ k }) => k).map(({ k }) => [k]),
  },
  'distinct with time': {
    repeats: true,
    query: ([events], params) => marked(events, params).dropDuplicates(['k', 'ts']).selectExpr('k', 'unix_seconds(ts) AS t'),
    expected: ([events]) => unique(events, ({ k, ts }) => `${k} ${ts}`).map(({ k, ts }) => [k, ts]),
  },
  'distinct within the watermark': {
    keys: 'passing',
    query: ([events], params) => marked(events, params).dropDuplicatesWithinWatermark(['k']).select('k'),
    expected: ([events]) => unique(events, ({ k }) => k).map(({ k }) => [k]),
  },
  counts: {
    keys: 'any',
    mode: 'update',
    by: 1,
    query: ([events], _, F) => events.groupBy('k').agg(F.count('*').alias('n'), F.sum('v').alias('s')),
    expected: ([events]) => sums(events.map(({ k, v }) => [[k], v])),
  },
  'all counts': {
    mode: 'complete',
    query: ([events], _, F) => events.groupBy('k').agg(F.count('*').alias('n'), F.sum('v').alias('s')),
    expected: ([events]) => sums(events.map(({ k, v }) => [[k], v])),
  },
  windows: {
    draw: drawWindow,
    query: ([events], params, F) => windowed(marked(events, params), params, F),
    expected: ([events], params) => windowSums(events, params).filter(([, end]) => end <= lastWatermark([events], params)),
  },
  'open windows': {
    mode: 'update',
    by: 3,
    draw: drawWindow,
    query: ([events], params, F) => windowed(marked(events, params), params, F),
    expected: ([events], params) => windowSums(events, params),
  },
  'windows of distinct events': {
    repeats: true,
    draw: drawWindow,
    query: ([events], params, F) => windowed(marked(events, params).dropDuplicates(['k', 'ts']), params, F),
    expected: ([events], params) =>
      windowSums(
        unique(events, ({ k, ts }) => `${k} ${ts}`),
        params,
      ).filter(([, end]) => end <= lastWatermark([events], params)),
  },
  sessions: {
    draw: (random, { step }) => ({ gap: step * random.int(3, 12) }),
    query: ([events], params, F) =>
      marked(events, params)
        .groupBy(F.expr(`session_window(ts, '${params.gap} seconds')`).alias('w'), 'k')
        .agg(F.count('*').alias('n'), F.sum('v').alias('s'))
        .selectExpr('unix_seconds(w.start) AS a', 'unix_seconds(w.end) AS b', 'k', 'n', 's'),
    expected: ([events], params) => sessionsOf(events, params).filter(([, end]) => end <= lastWatermark([events], params)),
  },
  'join of streams': {
    streams: 2,
    draw: drawRange,
    query: (streams, params, F) => join(streams, params, F, 'inner'),
    expected: ([left, right], params) => left.flatMap((l) => pairs(l, right, params).map((r) => [l.id, r.id, l.v + r.v])),
  },
  'outer join of streams': {
    streams: 2,
    draw: drawRange,
    query: (streams, params, F) => join(streams, params, F, 'left'),
    expected: ([left, right], params) => {
      const watermark = lastWatermark([left, right], params);
      return left.flatMap((l) => {
        const found = pairs(l, right, params);
        if (found.length > 0) return found.map((r) => [l.id, r.id, l.v + r.v]);
        return l.ts < watermark - params.range ? [[l.id, null, l.v]] : [];
      });
    },
  },
  'function with state': {
    keys: 'any',
    mode: 'update',
    by: 1,
    query: ([events]) => events.groupByKey('k').flatMapGroupsWithState(running, { ...SUMS, outputMode: 'update' }),
    expected: ([events]) => sums(events.map(({ k, v }) => [[k], v])),
  },
  'function with timeouts': {
    keys: 'passing',
    draw: (_, { step }) => ({ span: 10 * step }),
    query: ([events], params) =>
      marked(events, params)
        .groupByKey('k')
        .flatMapGroupsWithState(
          untilSilence,
          { ...SUMS, outputMode: 'append', timeout: 'EventTimeTimeout' },
          { spanMs: params.span * 1_000 },
        ),
    expected: ([events], params) => {
      const latest = new Map();
      for (const { k, ts } of events) latest.set(k, Math.max(latest.get(k) ?? -Infinity, ts));
      const watermark = lastWatermark([events], params);
      return sums(events.map(({ k, v }) => [[k], v])).filter(([k]) => latest.get(k) + params.span < watermark);
    },
  },
  processor: {
    mode: 'update',
    by: 1,
    query: ([events]) => events.groupByKey('k').transformWithState(counting(), { ...SUMS, outputMode: 'update' }),
    expected: ([events]) => sums(events.map(({ k, v }) => [[k], v])),
  },
};
