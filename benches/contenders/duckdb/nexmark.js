// W4: a table per micro-batch; what open windows need is kept in another.
import { EUROS, EVERY, SLIDE_MS, WINDOW_MS } from '../../workloads/nexmark.js';

/** Returns the sums of the rows that a query answers for each batch. */
async function summed(engine, bids, query) {
  const sums = { rows: [0], price: [0], auction: [0] };
  await engine.drop('batch');
  for (const bytes of bids) {
    await engine.insert('batch', bytes);
    const { auction, price } = await engine.columns(query);
    await engine.drop('batch');
    sums.rows[0] += auction.length;
    for (let i = 0; i < auction.length; i++) {
      sums.price[0] += price[i];
      sums.auction[0] += auction[i];
    }
  }
  return sums;
}

/** Appends columns of numbers to rows. */
function append(rows, columns) {
  const names = Object.keys(columns);
  for (let i = 0; i < columns[names[0]].length; i++) rows.push(Object.fromEntries(names.map((name) => [name, Number(columns[name][i])])));
}

export const nexmarkOf = (engine) => ({
  q1: ({ bids }) => summed(engine, bids, `SELECT auction, bidder, price::DOUBLE * ${EUROS}::DOUBLE AS price, time FROM batch`),
  q2: ({ bids }) => summed(engine, bids, `SELECT auction, price FROM batch WHERE auction % ${EVERY} = 0`),

  async q5({ bids }) {
    const answer = [];
    await engine.drop('batch');
    await engine.sql('CREATE OR REPLACE TABLE panes(pane BIGINT, auction INTEGER, n BIGINT)');
    let lastEnd = 0;
    for (const bytes of bids) {
      await engine.insert('batch', bytes);
      await engine.sql(
        `INSERT INTO panes SELECT epoch_ms(time) - epoch_ms(time) % ${SLIDE_MS} AS pane, auction, count(*) FROM batch GROUP BY ALL`,
      );
      const [first, maxMs] = Object.values(
        await engine.columns('SELECT epoch_ms(min(time))::DOUBLE AS a, epoch_ms(max(time))::DOUBLE AS b FROM batch'),
      ).map(Number);
      await engine.drop('batch');
      lastEnd ||= first - (first % SLIDE_MS);
      for (let end = lastEnd + SLIDE_MS; end <= maxMs; lastEnd = end, end += SLIDE_MS) {
        const window = `SELECT auction, sum(n)::DOUBLE AS n FROM panes WHERE pane >= ${end - WINDOW_MS} AND pane < ${end} GROUP BY auction`;
        append(
          answer,
          await engine.columns(`WITH w AS (${window}) SELECT ${end}::DOUBLE AS "end", auction, n FROM w WHERE n = (SELECT max(n) FROM w)`),
        );
        await engine.sql(`DELETE FROM panes WHERE pane < ${end - WINDOW_MS + SLIDE_MS}`);
      }
    }
    return answer;
  },

  async q7({ bids }) {
    const answer = [];
    await engine.drop('batch');
    // Only a batch's own highest bids of a window can be the window's.
    await engine.sql('CREATE OR REPLACE TABLE best("end" BIGINT, auction INTEGER, bidder INTEGER, price INTEGER)');
    const highest = `SELECT "end", max(price) AS price FROM`;
    for (const bytes of bids) {
      await engine.insert('batch', bytes);
      await engine.sql(`INSERT INTO best WITH x AS (SELECT epoch_ms(time) - epoch_ms(time) % ${WINDOW_MS} + ${WINDOW_MS} AS "end", * FROM batch)
        SELECT "end", auction, bidder, price FROM x SEMI JOIN (${highest} x GROUP BY "end") USING ("end", price)`);
      const maxMs = await engine.number('SELECT epoch_ms(max(time))::DOUBLE FROM batch');
      await engine.drop('batch');
      const rows = await engine.columns(`SELECT "end"::DOUBLE AS "end", auction, bidder, price FROM best
        SEMI JOIN (${highest} best WHERE "end" <= ${maxMs} GROUP BY "end") USING ("end", price)`);
      if (rows.end.length === 0) continue;
      append(answer, rows);
      await engine.sql(`DELETE FROM best WHERE "end" <= ${maxMs}`);
    }
    return answer;
  },

  async q8({ people, auctions }) {
    const answer = [];
    await engine.drop('people', 'auctions');
    const end = (table) => `(epoch_ms(${table}.time) // ${WINDOW_MS} + 1) * ${WINDOW_MS}`;
    let closed = 0;
    for (let batch = 0; batch < people.length; batch++) {
      await engine.insert('people', people[batch], batch === 0);
      await engine.insert('auctions', auctions[batch], batch === 0);
      const maxMs = await engine.number(
        `SELECT epoch_ms(greatest((SELECT max(time) FROM people), (SELECT max(time) FROM auctions)))::DOUBLE`,
      );
      const last = maxMs - (maxMs % WINDOW_MS);
      closed ||= last;
      if (last === closed) continue;
      closed = last;
      const table = await engine.sql(`SELECT DISTINCT ${end('p')}::DOUBLE AS "end", p.id, p.name FROM people p JOIN auctions a
        ON p.id = a.seller AND ${end('p')} = ${end('a')} WHERE ${end('p')} <= ${maxMs}`);
      for (const { end: windowEnd, id, name } of table.toArray()) answer.push({ end: windowEnd, id, name });
      for (const one of ['people', 'auctions']) await engine.sql(`DELETE FROM ${one} WHERE ${end(one)} <= ${maxMs}`);
    }
    return answer;
  },
});
