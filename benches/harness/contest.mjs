// One workload by all contenders that know it: a browser each, a warm-up each, then runs in turn, so that what else the machine does hits
// all alike.
import { join } from 'node:path';
import { launch } from '../../src/js/scripts/browser.mjs';
import { contenders as registry } from '../contenders/index.mjs';
import { workloads } from '../workloads/index.js';
import { difference, digest, made } from './answer.js';
import { nativeRuns } from './native.mjs';
import { busiest, profileFlags, startProfiles } from './profile.mjs';
import { DATA, read, stored } from './store.mjs';
import { Tab } from './tab.mjs';

const DEBUG_PORT = 9_231;
const WARM_UP_SECONDS = 5;
const WARM_UP_RUNS = 25;

/** Contests on a site: `scale` and `options` of the inputs, `reps` runs each after a `warmUp`; `say` prints, `profile` adds one run more. */
export class Contest {
  constructor({ site, scale, reps, options, warmUp, profile, say }) {
    Object.assign(this, { site, scale, reps, options, warmUp, profile, say });
  }

  /** Returns the workloads that each contender runs. */
  async knownBy(contenders) {
    const browser = await launch();
    const page = await browser.newPage();
    const known = {};
    for (const contender of contenders) {
      known[contender] = registry[contender].native;
      if (known[contender]) continue;
      await page.goto(`${this.site}/${contender}.html`);
      known[contender] = await (await page.waitForFunction(() => globalThis.bench?.workloads())).jsonValue();
    }
    await browser.close();
    return known;
  }

  /**
   * Returns the runs of a workload by contender, `{ seconds, parts, latency, cpuSeconds, peakBytes, heapBytes }` each; what went wrong;
   * and which answers differ from the reference's.
   */
  async hold(id, contenders) {
    const workload = workloads[id];
    const data = Object.fromEntries(Object.entries(workload.inputs ?? {}).map(([name, dataset]) => [name, stored(dataset, this.scale)]));
    const round = { id, urls: urlsOf(data), expected: await this.#expected(id, contenders, data), runs: {}, failures: {}, differences: {} };
    const pages = contenders.filter((contender) => !registry[contender].native);
    await (workload.measures === 'cold' ? this.#cold(round, pages) : this.#warm(round, pages));
    for (const contender of contenders) if (registry[contender].native) await this.#native(round, contender, data);
    return round;
  }

  /** Returns the digests of the answers, by how the contenders define them. */
  async #expected(id, contenders, data) {
    const { make, keys, ...workload } = workloads[id];
    const inputs = Object.fromEntries(Object.entries(data).map(([name, files]) => [name, read(files)]));
    const expected = {};
    for (const name of new Set(contenders.map((contender) => definitionOf(contender, id)))) {
      const reference = workload.definitions?.[name] ?? workload.reference;
      expected[name] = digest(await made(reference({ ...inputs, ...make?.(this.scale) })), keys);
    }
    return expected;
  }

  /** Notes an answer's difference from the reference, if there is one. */
  #check(round, contender, answer) {
    const { id, expected } = round;
    const found = difference(
      expected[definitionOf(contender, id)],
      answer,
      registry[contender].tolerances?.[id] ?? workloads[id].tolerance,
    );
    if (found) round.differences[contender] = found;
  }

  /** Tries `work` for a contender; a failure is noted and printed. */
  async #attempt(round, contender, work) {
    try {
      return await work();
    } catch (error) {
      round.failures[contender] = error.message;
      this.say(`${round.id}: ${contender} has failed: ${error.message}\n`);
      return undefined;
    }
  }

  async #cold(round, contenders) {
    for (let rep = 0; rep < this.reps; rep++) {
      for (const contender of contenders) {
        const tab = await Tab.open(`${this.site}/${contender}.html`);
        await this.#attempt(round, contender, async () => {
          const run = await tab.call('cold');
          Object.assign(run, { cpuSeconds: tab.cpuSeconds(), peakBytes: tab.peakBytes() });
          this.#check(round, contender, await tab.call('answer', round.id));
          this.#keep(round, contender, run);
        });
        await tab.close();
      }
    }
  }

  #native(round, contender, data) {
    return this.#attempt(round, contender, () => {
      const { id } = round;
      const folders = Object.fromEntries(Object.entries(data).map(([name, { folder }]) => [name, join(DATA, folder)]));
      const job = { reps: this.reps, warmUp: this.warmUp, folders, ...workloads[id].make?.(this.scale) };
      for (const { answer, ...run } of nativeRuns(contender, id, job)) {
        this.#check(round, contender, digest(answer, workloads[id].keys));
        this.#keep(round, contender, { ...run, cpuSeconds: Number.NaN, peakBytes: Number.NaN });
      }
    });
  }

  async #warm(round, contenders) {
    const tabs = new Map();
    try {
      for (const [n, contender] of contenders.entries()) {
        const port = DEBUG_PORT + n;
        const tab = await Tab.open(`${this.site}/${contender}.html`, this.profile ? profileFlags(port) : []);
        tabs.set(contender, { tab, port });
        await this.#attempt(round, contender, async () => {
          await tab.call('start');
          if (this.warmUp) await this.#warmUp(round, tab);
        });
      }
      for (let rep = 0; rep < Math.min(this.reps, workloads[round.id].reps ?? this.reps); rep++) {
        // Who runs first after a pause is slower: each is first as often as last.
        const turn = rep % 2 === 0 ? [...tabs] : [...tabs].reverse();
        for (const [contender, { tab }] of turn) {
          if (round.failures[contender]) continue;
          await this.#attempt(round, contender, async () => {
            const run = await this.#run(round, tab);
            this.#check(round, contender, await tab.call('answer', round.id));
            this.#keep(round, contender, run);
          });
        }
      }
      if (this.profile)
        for (const [contender, { tab, port }] of tabs) if (!round.failures[contender]) await this.#profile(round, contender, tab, port);
    } finally {
      await Promise.all([...tabs.values()].map(({ tab }) => tab.close()));
    }
  }

  /** Runs until the compilers of JavaScript and wasm have seen enough: small workloads several times. */
  async #warmUp(round, tab) {
    let seconds = 0;
    for (let runs = 0; runs < WARM_UP_RUNS && seconds < WARM_UP_SECONDS; runs++) {
      const run = await this.#run(round, tab, workloads[round.id].warmUpScale);
      seconds += run.seconds;
    }
  }

  async #run({ id, urls }, tab, part = 1) {
    await tab.call('load', id, urls, this.scale * part, this.options);
    tab.resetPeak();
    const cpuBefore = tab.cpuSeconds();
    const run = await tab.call('run', id);
    return { ...run, cpuSeconds: tab.cpuSeconds() - cpuBefore, peakBytes: tab.peakBytes(), heapBytes: await tab.call('heapBytes') };
  }

  #keep({ id, runs }, contender, run) {
    (runs[contender] ??= []).push(run);
    this.say(`${id}: ${contender} ${run.seconds.toFixed(3)} s\n`);
  }

  async #profile({ id, urls }, contender, tab, port) {
    await tab.call('load', id, urls, this.scale, this.options);
    const stop = await startProfiles(port, `${this.site}/${contender}.html`);
    await tab.call('run', id);
    this.say(`\n${id}, ${contender}, own time by thread:\n`);
    for (const one of await stop()) this.say(`${busiest(one).join('\n')}\n`);
  }
}

/** Returns by which definition a contender answers a workload. */
const definitionOf = (contender, id) => registry[contender].definitions?.[id] ?? 'reference';

const urlsOf = (data) =>
  Object.fromEntries(Object.entries(data).map(([name, { folder, files }]) => [name, files.map((file) => `/data/${folder}/${file}`)]));
