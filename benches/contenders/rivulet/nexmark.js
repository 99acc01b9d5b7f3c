// W4: the queries as DataFrames; what Nexmark asks of a complete window beyond its counts, the page picks from the columns that come.
import { functions as F } from '/pkg/dist/index.js';
import { text } from '../../workloads/arrow.js';
import { EUROS, EVERY } from '../../workloads/nexmark.js';
import { run, source } from './streams.js';

const BID = 'auction INT, bidder INT, price INT, time TIMESTAMP';
const END = F.unixMillis('window.end').cast('double').alias('end');

/** Runs a query over the bids; `take` gets the columns of each batch. */
async function ofBids({ spark }, { bids, options }, query, take) {
  const bid = source(spark, BID);
  await run({ sources: [bid], lists: [bids], inStep: options?.inStep, df: query(bid.df), take });
}

async function summed(session, inputs, query) {
  const sums = { rows: [0], price: [0], auction: [0] };
  await ofBids(session, inputs, query, ({ length, auction, price }) => {
    const [auctions, prices] = [auction.values, price.values];
    sums.rows[0] += length;
    for (let i = 0; i < length; i++) {
      sums.price[0] += prices[i];
      sums.auction[0] += auctions[i];
    }
  });
  return sums;
}

export const nexmarkOf = (session) => ({
  q1: (inputs) =>
    summed(session, inputs, (bids) => bids.select('auction', 'bidder', F.col('price').multiply(EUROS).alias('price'), 'time')),
  q2: (inputs) => summed(session, inputs, (bids) => bids.filter(F.col('auction').mod(EVERY).eq(0)).select('auction', 'price')),

  async q5(inputs) {
    const windows = new Map();
    const counts = (bids) =>
      bids
        .withWatermark('time', '0 seconds')
        .groupBy(F.window('time', '10 seconds', '2 seconds'), 'auction')
        .agg(F.count('*').cast('int').alias('n'))
        .select(END, 'auction', 'n');
    await ofBids(session, inputs, counts, ({ length, end, auction, n }) => {
      const [ends, auctions, counts] = [end.values, auction.values, n.values];
      for (let i = 0; i < length; i++) {
        let window = windows.get(ends[i]);
        if (!window) windows.set(ends[i], (window = { most: 0, auctions: [] }));
        if (counts[i] < window.most) continue;
        if (counts[i] > window.most) {
          window.most = counts[i];
          window.auctions = [];
        }
        window.auctions.push(auctions[i]);
      }
    });
    return [...windows].flatMap(([end, { most, auctions }]) => auctions.map((auction) => ({ end, auction, n: most })));
  },

  // One row per window: of equal highest bids, which this data does not have, it has the one with the larger auction.
  async q7(inputs) {
    const answer = [];
    const highest = (bids) =>
      bids
        .withWatermark('time', '0 seconds')
        .groupBy(F.window('time', '10 seconds'))
        .agg(F.max(F.struct('price', 'auction', 'bidder')).alias('best'))
        .select(END, 'best.auction', 'best.bidder', 'best.price');
    await ofBids(session, inputs, highest, ({ length, end, auction, bidder, price }) => {
      for (let i = 0; i < length; i++)
        answer.push({ end: end.values[i], auction: auction.values[i], bidder: bidder.values[i], price: price.values[i] });
    });
    return answer;
  },

  async q8({ people, auctions, options }) {
    const person = source(session.spark, 'id INT, name STRING, city STRING, state STRING, time TIMESTAMP');
    const auction = source(
      session.spark,
      'id INT, item STRING, initialBid INT, reserve INT, seller INT, category INT, time TIMESTAMP, expires TIMESTAMP',
    );
    const window = F.window('time', '10 seconds');
    const newcomers = person.df.withWatermark('time', '0 seconds').select('id', 'name', window.alias('window'));
    const sellers = auction.df.withWatermark('time', '0 seconds').select('seller', window.alias('opened'));
    const windows = new Map();
    await run({
      sources: [person, auction],
      lists: [people, auctions],
      inStep: options?.inStep,
      df: newcomers.join(sellers, F.expr('window = opened AND id = seller')).select(END, 'id', 'name'),
      take: ({ length, end, id, name }) => {
        for (let i = 0; i < length; i++) {
          const [windowEnd, who] = [end.values[i], id.values[i]];
          let names = windows.get(windowEnd);
          if (!names) windows.set(windowEnd, (names = new Map()));
          if (!names.has(who)) names.set(who, text(name, i));
        }
      },
    });
    // Pairs come as soon as both are there: those of the last window before it is complete.
    windows.delete(Math.max(...windows.keys()));
    return [...windows].flatMap(([end, names]) => [...names].map(([id, name]) => ({ end, id, name })));
  },
});
