// Discretized streams where workers and files are real: receivers in executors, checkpoints in the origin's file system.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serving } from '../../src/js/scripts/servers/socket-server.mjs';
import { browser, inPage } from './harness.mjs';

const shared = browser();

test('a receiver runs in an executor and again in another when that dies; what it was told is safe comes once', async () => {
  const found = await inPage(shared, async () => {
    const { SparkSession, StreamingContext } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    const ssc = new StreamingContext(spark.sparkContext, 100);
    ssc.checkpoint(`opfs:streams-${crypto.randomUUID()}`);
    const acknowledged = [];
    const channel = new BroadcastChannel('acknowledged');
    channel.onmessage = ({ data }) => acknowledged.push(...data);
    const events = [];
    ssc.addStreamingListener({
      onReceiverStarted: ({ executor }) => events.push(`started ${executor}`),
      onReceiverStopped: ({ executor }) => events.push(`stopped ${executor}`),
    });
    class Numbers {
      constructor({ size }) {
        this.size = size;
      }
      async onStart() {
        this.channel = new BroadcastChannel('acknowledged');
        while (!this.isStopped()) {
          const ids = Array.from({ length: this.size }, () => crypto.randomUUID());
          await this.storeAll(ids);
          this.channel.postMessage(ids);
        }
      }
      onStop() {
        this.channel.close();
      }
    }
    const seen = [];
    ssc
      .receiverStream(Numbers, { size: 5 })
      .map((id) => id)
      .foreachRDD(async (rdd) => {
        seen.push(...(await rdd.collect()));
      });
    ssc.start();
    const until = async (what) => {
      while (!what()) await new Promise((done) => setTimeout(done, 20));
    };
    await until(() => seen.length >= 20);
    const first = Number(events[0].split(' ')[1]);
    spark.status.killExecutor(first);
    const before = seen.length;
    await until(() => events.filter((event) => event.startsWith('started')).length === 2 && seen.length >= before + 20);
    await ssc.stop({ gracefully: true });
    await spark.stop();
    return { events, first, seen, acknowledged };
  });
  assert.ok(found.acknowledged.length >= 20);
  assert.deepEqual(
    found.acknowledged.filter((id) => !found.seen.includes(id)),
    [],
  );
  assert.equal(new Set(found.seen).size, found.seen.length);
  const other = 1 - found.first;
  assert.deepEqual(found.events, [`started ${found.first}`, `stopped ${found.first}`, `started ${other}`, `stopped ${other}`]);
});

test('a receiver that fails is told of and started again; one that is none is told why', async () => {
  const found = await inPage(shared, async () => {
    const { SparkSession, StreamingContext } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').create();
    const out = {};
    for (const [name, receiver] of Object.entries({
      fails: class {
        onStart() {
          throw new RangeError('no line');
        }
        onStop() {}
      },
      odd: class {
        onStart() {}
      },
    })) {
      const ssc = new StreamingContext(spark.sparkContext, 100);
      const error = new Promise((done) => ssc.addStreamingListener({ onReceiverError: done }));
      ssc.receiverStream(receiver).foreachRDD(() => {});
      ssc.start();
      out[name] = (await error).message;
      await ssc.stop();
    }
    const ssc = new StreamingContext(spark.sparkContext, 100);
    try {
      ssc.receiverStream(() => {});
    } catch (e) {
      out.function = `${e.name}: ${e.message}`;
    }
    await spark.stop();
    return out;
  });
  assert.match(found.fails, /The receiver failed and starts again in 500 ms: no line/);
  assert.match(found.odd, /a receiver needs onStart\(\) and onStop\(\); this one has no onStop/);
  assert.match(found.function, /SparkTypeError: receiverStream: .* a function, not a class/);
});

test('a graceful stop runs all that a receiver hands over until its onStop is done; one that fails there harms nobody', async () => {
  const found = await inPage(shared, async () => {
    const { SparkSession, StreamingContext } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').create();
    const executors = [];
    spark.status.onExecutor(({ type }) => executors.push(type));
    class Last {
      onStart() {
        for (let i = 0; i < 100; i++) void this.store(i);
      }
      async onStop() {
        await new Promise((done) => setTimeout(done, 50));
        void this.store(100);
        throw new RangeError('too late');
      }
    }
    const seen = [];
    for (let times = 0; times < 3; times++) {
      const ssc = new StreamingContext(spark.sparkContext, 3_600_000);
      const started = new Promise((resolve) => ssc.addStreamingListener({ onReceiverStarted: resolve }));
      ssc.receiverStream(Last).foreachRDD(async (rdd) => {
        seen.push((await rdd.collect()).length);
      });
      ssc.start();
      await started;
      await ssc.stop({ gracefully: true });
    }
    await spark.stop();
    return { seen, executors };
  });
  assert.deepEqual(found, { seen: [101, 101, 101], executors: [] });
});

test('a receiver that is stopped at once does not run on', async () => {
  const found = await inPage(shared, async () => {
    const { SparkSession, StreamingContext } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').create();
    const calls = [];
    const channel = new BroadcastChannel('calls');
    const ended = new Promise((resolve) => {
      channel.onmessage = ({ data }) => (data === 'end' ? resolve() : calls.push(data));
    });
    class Quick {
      onStart() {
        this.channel = new BroadcastChannel('calls');
        this.channel.postMessage('start');
      }
      onStop() {
        this.channel?.postMessage('stop');
      }
    }
    for (let times = 0; times < 5; times++) {
      const ssc = new StreamingContext(spark.sparkContext, 3_600_000);
      ssc.receiverStream(Quick).foreachRDD(() => {});
      ssc.start();
      await ssc.stop();
      await spark.sparkContext.parallelize([1]).count();
    }
    await spark.sparkContext.parallelize([1]).foreach(() => {
      new BroadcastChannel('calls').postMessage('end');
    });
    await ended;
    await spark.stop();
    return calls;
  });
  assert.equal(found.filter((call) => call === 'start').length, found.filter((call) => call === 'stop').length);
});

test('a receiver that fails again and again waits longer each time', async () => {
  const pauses = await inPage(shared, async () => {
    const { SparkSession, StreamingContext } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').create();
    const ssc = new StreamingContext(spark.sparkContext, 3_600_000);
    const pauses = [];
    const twice = new Promise((resolve) =>
      ssc.addStreamingListener({
        onReceiverError: ({ message }) => {
          if (pauses.push(/in (\d+) ms/.exec(message)[1]) === 2) resolve();
        },
      }),
    );
    ssc
      .receiverStream(
        class {
          onStart() {
            throw new Error('no');
          }
          onStop() {}
        },
      )
      .foreachRDD(() => {});
    ssc.start();
    await twice;
    await ssc.stop();
    await spark.stop();
    return pauses;
  });
  assert.deepEqual(pauses, ['500', '1000']);
});

test('a context whose session stops ends with an error', async () => {
  const found = await inPage(shared, async () => {
    const { SparkSession, StreamingContext } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').create();
    const ssc = new StreamingContext(spark.sparkContext, 3_600_000);
    ssc.queueStream([]).foreachRDD(() => {});
    ssc.start();
    const ended = ssc.awaitTermination().then(
      () => 'well',
      (error) => error.message,
    );
    await spark.stop();
    return [await Promise.race([ended, new Promise((done) => setTimeout(() => done('it waits'), 2000))]), ssc.getState()];
  });
  assert.deepEqual(found, ['The session is stopped', 'STOPPED']);
});

test('the batches of a stream bring their functions once, however many they are', async () => {
  const made = await inPage(shared, async () => {
    const { ManualClock, SparkSession, StreamingContext } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').create();
    const clock = new ManualClock();
    const ssc = new StreamingContext(spark.sparkContext, 1000, clock);
    const made = () =>
      spark.sparkContext
        .parallelize([1], 1)
        .map(() => {
          globalThis.modules ??= 0;
          if (globalThis.modules++ > 0) return globalThis.modules;
          const make = URL.createObjectURL;
          URL.createObjectURL = (blob) => {
            globalThis.modules += 1;
            return make.call(URL, blob);
          };
          return 0;
        })
        .collect();
    ssc
      .queueStream(Array.from({ length: 40 }, () => spark.sparkContext.parallelize([1, 2, 3])))
      .map((x) => [x % 2, x])
      .reduceByKeyAndWindow((a, b) => a + b, null, 3000)
      .foreachRDD(async (rdd) => {
        await rdd.collect();
      });
    ssc.start();
    await made();
    clock.advanceTo(40_000);
    await ssc.processed();
    const [modules] = await made();
    await ssc.stop();
    await spark.stop();
    return modules;
  });
  // One of the count's own, and those of windows that are not full.
  assert.ok(made < 10, `${made} modules`);
});

test('batches are cut while the thread of the page is blocked', async () => {
  const late = await inPage(shared, async () => {
    const { SparkSession, StreamingContext } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').create();
    const ssc = new StreamingContext(spark.sparkContext, 50);
    const cut = [];
    ssc.addStreamingListener({ onBatchSubmitted: ({ submissionTime }) => cut.push(submissionTime) });
    ssc.queueStream([]).foreachRDD(() => {});
    ssc.start();
    const blocked = [];
    // Until it was seen twice; were the page's clock the batches', it would never be.
    for (let seen = 0; seen < 2; ) {
      const from = Date.now();
      while (Date.now() < from + 300);
      const to = Date.now();
      blocked.push([from, to]);
      await ssc.processed();
      seen = blocked.filter(([from, to]) => cut.some((ms) => ms > from && ms < to - 100)).length;
    }
    await ssc.stop();
    await spark.stop();
    return cut.length;
  });
  assert.ok(late > 0);
});

test('windows that overlap see one and the same rows of a batch', async () => {
  const seen = await inPage(shared, async () => {
    const { ManualClock, SparkSession, StreamingContext } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[2]').create();
    const clock = new ManualClock();
    const ssc = new StreamingContext(spark.sparkContext, 1000, clock);
    const seen = [];
    ssc
      .queueStream(Array.from({ length: 6 }, (_, i) => spark.sparkContext.parallelize([i])))
      .map(() => Math.random())
      .window(3000)
      .foreachRDD(async (rdd) => {
        seen.push(...(await rdd.collect()));
      });
    ssc.start();
    clock.advanceTo(6_000);
    await ssc.processed();
    await ssc.stop();
    await spark.stop();
    return seen;
  });
  assert.deepEqual([seen.length, new Set(seen).size], [15, 6]);
});

test("a context goes on in another tab from its checkpoint in the origin's file system", async () => {
  const directory = `opfs:streams-${crypto.randomUUID()}`;
  const context = await shared.browser.newContext();
  const inTab = async (f, arg) => {
    const page = await shared.open('/blank.html', context);
    try {
      return await page.evaluate(f, arg);
    } finally {
      await page.close();
    }
  };
  const life = (from, to) =>
    inTab(
      async ({ directory, from, to }) => {
        const { ManualClock, SparkSession, StreamingContext } = await import('rivulet');
        const spark = await SparkSession.builder.master('local[2]').create();
        const clock = new ManualClock();
        clock.advanceTo((from - 1) * 1000);
        const rows = [];
        let wake = () => {};
        async function* source() {
          for (;;) {
            while (rows.length > 0) yield rows.shift();
            await new Promise((resolve) => {
              wake = resolve;
            });
          }
        }
        const outputs = [];
        const ssc = await StreamingContext.getOrCreate(directory, () => {
          const ssc = new StreamingContext(spark.sparkContext, 1000, clock);
          ssc.checkpoint(directory);
          const numbers = ssc.fromAsyncIterable(source());
          numbers
            .map((x) => [x % 3, x])
            .updateStateByKey((values, old) => values.reduce((a, b) => a + b, 0) + (old ?? 0))
            .foreachRDD(async (rdd, time) => {
              outputs.push([time / 1000, (await rdd.collect()).sort()]);
            });
          numbers.window(3000).saveAsTextFiles(`${directory}/saved/window`, 'txt');
          return ssc;
        });
        ssc.start();
        await ssc.processed();
        for (let second = from; second <= to; second++) {
          rows.push(second, second * 10);
          wake();
          for (let turns = 0; turns < 50; turns++) await Promise.resolve();
          clock.advanceTo(second * 1000);
          await ssc.processed();
        }
        const saved = await spark.sparkContext.textFile(`${directory}/saved/window-${to * 1000}.txt`).collect();
        return { outputs, saved };
      },
      { directory, from, to },
    );
  const first = await life(1, 12);
  const second = await life(13, 15);
  await context.close();
  const model = (to) => {
    const came = Array.from({ length: to }, (_, i) => [i + 1, (i + 1) * 10]).flat();
    const of = (k) => came.filter((x) => x % 3 === k);
    return [0, 1, 2].filter((k) => of(k).length > 0).map((k) => [k, of(k).reduce((a, b) => a + b, 0)]);
  };
  for (const [time, rows] of [...first.outputs, ...second.outputs]) assert.deepEqual(rows, model(time), `second ${time}`);
  assert.deepEqual(
    [...first.outputs, ...second.outputs].map(([time]) => time),
    Array.from({ length: 15 }, (_, i) => i + 1),
  );
  assert.deepEqual(
    first.saved.map(Number).sort((a, b) => a - b),
    [10, 11, 12, 100, 110, 120],
  );
  assert.deepEqual(
    second.saved.map(Number).sort((a, b) => a - b),
    [13, 14, 15, 130, 140, 150],
  );
});

test('lines of a WebSocket come in as fast as they may, and its sender waits', async () => {
  const [TEXTS, LINES, LIMIT] = [400, 250, 2_000];
  let sent = 0;
  const connected = (socket) => {
    const text = (n) => Array.from({ length: LINES }, (_, i) => `${n * LINES + i} ${'x'.repeat(1_000)}`).join('\n');
    // Where the socket is closed, nothing is sent any more.
    const next = (error) => {
      if (!error && sent < TEXTS) socket.send(text(sent++), next);
    };
    next();
  };
  const found = await serving(connected, (url) =>
    inPage(
      shared,
      async ({ url, limit }) => {
        const { SparkSession, StreamingContext } = await import('rivulet');
        const spark = await SparkSession.builder.master('local[1]').config('spark.streaming.receiver.maxRate', String(limit)).create();
        const ssc = new StreamingContext(spark.sparkContext, 200);
        const [records, seen] = [[], []];
        ssc.addStreamingListener({ onBatchCompleted: ({ numRecords }) => records.push(numRecords) });
        ssc
          .socketTextStream(url)
          .map((line) => Number(line.split(' ')[0]))
          .foreachRDD(async (rdd) => {
            seen.push(...(await rdd.collect()));
          });
        ssc.start();
        while (seen.length <= 2 * limit) await new Promise((done) => setTimeout(done, 20));
        await ssc.stop({ gracefully: true });
        await spark.stop();
        return { records, seen };
      },
      { url, limit: LIMIT },
    ),
  );
  assert.deepEqual(found.seen, [...found.seen.keys()]);
  assert.ok(
    found.records.every((n) => n <= 2 * LIMIT),
    String(found.records),
  );
  // 100 MB would have come; what came lies in the buffers of two sockets.
  assert.ok(sent < TEXTS / 2, String(sent));
});

test('a receiver that waits until its records are safe is held to the rate that is set', async () => {
  const found = await inPage(shared, async () => {
    const { SparkSession, StreamingContext } = await import('rivulet');
    const spark = await SparkSession.builder.master('local[1]').config('spark.streaming.receiver.maxRate', '100').create();
    const ssc = new StreamingContext(spark.sparkContext, 100);
    class Eager {
      async onStart() {
        while (!this.isStopped()) await this.storeAll(Array.from({ length: 10 }, (_, i) => i));
      }
      onStop() {}
    }
    let seen = 0;
    ssc.receiverStream(Eager).foreachRDD(async (rdd) => {
      seen += await rdd.count();
    });
    const startMs = Date.now();
    ssc.start();
    while (seen < 150) await new Promise((done) => setTimeout(done, 20));
    const allowed = 100 * ((Date.now() - startMs) / 1_000 + 1) + 20;
    await ssc.stop();
    await spark.stop();
    return { seen, allowed };
  });
  assert.ok(found.seen <= found.allowed, JSON.stringify(found));
});

test('a WebSocket that is lost is opened again; what is no text is told of', async () => {
  let connections = 0;
  const connected = (socket) => {
    if (++connections > 1) return socket.send('again\r\nand\n\nlast\n');
    socket.send(new Uint8Array(3));
    socket.send('first', () => socket.close());
  };
  const found = await serving(connected, (url) =>
    inPage(
      shared,
      async ({ url }) => {
        const { SparkSession, StreamingContext } = await import('rivulet');
        const lives = [];
        for (const limited of ['false', 'true']) {
          const spark = await SparkSession.builder.master('local[1]').config('spark.streaming.backpressure.enabled', limited).create();
          const ssc = new StreamingContext(spark.sparkContext, 100);
          const [errors, seen] = [[], []];
          ssc.addStreamingListener({ onReceiverError: ({ message }) => errors.push(message.replaceAll(url, 'URL')) });
          ssc.socketTextStream(url).foreachRDD(async (rdd) => {
            seen.push(...(await rdd.collect()));
          });
          ssc.start();
          while (!seen.includes('last')) await new Promise((done) => setTimeout(done, 20));
          await ssc.stop();
          await spark.stop();
          lives.push({ errors, seen });
        }
        return lives;
      },
      { url },
    ),
  );
  assert.deepEqual(found[0], {
    errors: [
      '[RIVULET_SOCKET_BINARY] URL sent binary data; socketTextStream takes text SQLSTATE: 22000',
      '[RIVULET_SOCKET_CLOSED] URL is closed; opening it again in 250 ms SQLSTATE: 08006',
    ],
    seen: ['first', 'again', 'and', '', 'last'],
  });
  assert.deepEqual(found[1], { errors: [], seen: ['again', 'and', '', 'last'] });
});
