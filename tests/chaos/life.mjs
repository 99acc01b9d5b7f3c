// The life of one query: pages that come and go, and what is expected of each.

const MODULE = '/chaos/page.js';
const BETWEEN_TRIES_MS = 50;
/** Without any progress for this long something hangs. */
export const HANG_MS = 60_000;

export class Life {
  refusals = 0;
  starts = 0;
  /** Batches that reached a sink, of all pages. */
  batches = 0;
  #progressAt = Date.now();
  /** Counts the ends of pages and drivers: what waited for one that has ended is not wrong. */
  #epoch = 0;
  #said = [];
  #waiters = new Set();

  /** `wrong` takes what must not have happened. */
  constructor({ home, url, plan, servers, random, wrong }) {
    Object.assign(this, { home, url, plan, servers, random, wrong });
  }

  /** Takes a context of the browser's. */
  async enter() {
    this.context = await this.home.open();
    await this.context.exposeBinding('chaosNote', (_, heard) => this.#hear(heard));
  }

  #hear({ type, ...what }) {
    this.progressed();
    if (type === 'batch') {
      this.batches += 1;
      for (const go of this.#waiters) go();
      this.#waiters.clear();
    }
    if (type === 'executor') this.#said.push(`executor ${what.executor}.${what.incarnation} ${what.type} ${what.reason ?? ''}`);
    if (type === 'ended') this.wrong.push(`the query ended by itself: ${what.condition} ${what.message}`);
  }

  progressed() {
    this.#progressAt = Date.now();
  }

  /** The last words of pages. */
  get said() {
    return this.#said.slice(-30);
  }

  /** Waits for work that may not stand still. */
  async patiently(what, work) {
    this.progressed();
    let timer;
    let acknowledged;
    const faults = this.wrong.length;
    const hangs = new Promise((_, reject) => {
      timer = setInterval(() => {
        const now = this.servers.map((server) => server.acknowledged).join();
        if (now !== acknowledged) this.progressed();
        acknowledged = now;
        if (this.wrong.length > faults) reject(new Error(`it went wrong while waiting for ${what}`));
        if (Date.now() - this.#progressAt > HANG_MS) reject(new Error(`hang: ${HANG_MS / 1_000} s without progress, waiting for ${what}`));
      }, 250);
    });
    try {
      return await Promise.race([work, hangs]);
    } finally {
      clearInterval(timer);
    }
  }

  /** A batch that is yet to reach the sink. */
  nextBatch() {
    return this.patiently('a batch', new Promise((go) => this.#waiters.add(go)));
  }

  async open() {
    const page = await this.context.newPage();
    const say = (text) => this.#said.push(text);
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') say(`${message.type()}: ${message.text()}`);
      if (/panicked|RIVULET_PANIC/.test(message.text())) this.wrong.push(`a panic: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.wrong.push(`an error of the page: ${error.stack ?? error.message}`));
    await page.goto(`${this.url}/blank.html`);
    return page;
  }

  /** Calls a function of page.js. */
  call(name, arg, page = this.page) {
    return page.evaluate(async ([url, name, arg]) => (await import(url))[name](arg), [MODULE, name, arg]);
  }

  /**
   * Begins to start the query in the page: `starting` settles when it runs. One that has just died may hold the checkpoint for a
   * moment.
   */
  async start() {
    this.page ??= await this.open();
    const epoch = this.#epoch;
    // A checkpoint keeps its number of partitions, whatever the next page would like.
    this.plan.master = `local[${this.random.int(1, 2)}]`;
    this.plan.conf = { ...this.plan.conf, 'spark.sql.shuffle.partitions': this.random.int(1, 3) };
    const begun = async () => {
      for (;;) {
        const { refused, id } = await this.call('start', this.plan);
        if (!refused) return this.started(id);
        this.refusals += 1;
        await new Promise((go) => setTimeout(go, BETWEEN_TRIES_MS));
      }
    };
    const work = begun().catch((error) => {
      if (epoch === this.#epoch) throw error;
    });
    this.starting = this.patiently('a start', work);
    // Who awaits the promise gets its error; until then a rejection must not end the process.
    this.starting.catch(() => {});
  }

  started(id) {
    this.starts += 1;
    this.progressed();
    if (this.id !== undefined && id !== this.id) this.wrong.push(`the query has the id ${id}, and had ${this.id}`);
    this.id = id;
  }

  /** What runs now is about to end: nobody is to be surprised. */
  forget() {
    this.#epoch += 1;
  }

  /** Ends the page in a way of the caller's. */
  async endPage(end) {
    this.forget();
    const { page } = this;
    this.page = undefined;
    await this.patiently('the end of a page', end(page));
  }

  /** Waits until all that has happened is acknowledged. */
  async allAcknowledged() {
    const { servers } = this;
    const all = () => servers.every(({ acknowledged, happened }) => acknowledged === happened);
    let timer;
    const waited = new Promise((go) => {
      timer = setInterval(() => all() && go(), 20);
    });
    await this.patiently('acknowledgements', waited).finally(() => clearInterval(timer));
  }
}
