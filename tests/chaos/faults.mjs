// What can go wrong, each as a function of a life. When it returns, the query is being started again where it had ended.

const between = (ms) => new Promise((go) => setTimeout(go, ms));
const close = (page) => page.close({ runBeforeUnload: false });

/** The renderer's process dies, as for want of memory. */
async function crash(page, context) {
  const client = await context.newCDPSession(page);
  const crashed = new Promise((go) => page.once('crash', go));
  client.send('Page.crash').catch(() => {});
  await crashed;
  await close(page);
}

/** Two pages start the query at the same time: one of them runs it. */
async function race(life) {
  await life.endPage(close);
  const pages = await Promise.all([life.open(), life.open()]);
  const both = Promise.all(
    pages
      .map(async (page) => {
        for (;;) {
          const { refused, id } = await life.call('start', life.plan, page);
          if (!refused) return { page, id };
          life.refusals += 1;
          // The other one has it, or the page before still does.
          if (life.page) return { page };
          await between(20);
        }
      })
      .map((tries) =>
        tries.then(({ page, id }) => {
          if (id === undefined) return close(page);
          if (life.page) life.wrong.push('two pages run the query on one checkpoint');
          life.page = page;
          life.started(id);
        }),
      ),
  );
  await life.patiently('one of two pages', both);
}

/** Opens a second page, where the query must be refused for as long as it runs in the first one. */
async function refusedElsewhere(life) {
  const page = await life.open();
  const { id } = await life.patiently('a refusal', life.call('start', life.plan, page));
  if (id !== undefined) life.wrong.push('a second page was let on the checkpoint');
  life.refusals += 1;
  return page;
}

/**
 * Faults by their names. `early` ones may come while the query starts. `late` ones may come when all events have happened.
 * One that is `own` needs a browser of the case's own.
 * Between two of an `executor` a batch must come through: a task that loses its executor four times fails.
 */
export const FAULTS = {
  'executor killed': { run: (life) => life.call('endExecutor', 'killed'), late: true, executor: true },
  'executor vanished': { run: (life) => life.call('endExecutor', 'vanished'), late: true, executor: true },
  'driver ended': {
    late: true,
    run: async (life) => {
      life.forget();
      await life.patiently('the end of the driver', life.call('endDriver'));
      await life.start();
    },
  },
  'socket cut': {
    early: true,
    late: true,
    run: async (life, random) => {
      const server = random.pick(life.servers);
      const downMs = random.chance(0.5) ? 0 : random.int(0, 600);
      server.down();
      await between(downMs);
      server.up();
    },
  },
  'page closed': {
    early: true,
    late: true,
    run: async (life) => {
      await life.endPage(close);
      await life.start();
    },
  },
  'page reloaded': {
    early: true,
    late: true,
    run: async (life) => {
      const { page } = life;
      await life.endPage(() => page.reload());
      life.page = page;
      await life.start();
    },
  },
  'page crashed': {
    early: true,
    late: true,
    run: async (life) => {
      await life.endPage((page) => crash(page, life.context));
      await life.start();
    },
  },
  'browser killed': {
    early: true,
    late: true,
    own: true,
    run: async (life) => {
      await life.endPage(() => life.home.kill());
      await life.enter();
      await life.start();
    },
  },
  'sink throws': {
    run: async (life, random) => {
      const { condition } = await life.patiently('the end of the query', life.call('throwOnce', random.pick(['before', 'after'])));
      if (condition !== 'STREAM_FAILED') life.wrong.push(`a sink that throws ends its query with ${condition}`);
      await life.start();
    },
  },
  'query stopped': {
    late: true,
    run: async (life) => {
      await life.patiently('the stop of the query', life.call('stop'));
      await life.start();
    },
  },
  'second page refused': {
    late: true,
    run: async (life) => close(await refusedElsewhere(life)),
  },
  'second page takes over': {
    late: true,
    run: async (life) => {
      const page = await refusedElsewhere(life);
      await life.endPage(close);
      life.page = page;
      await life.start();
    },
  },
  'race of two pages': { late: true, run: race },
};
