// W4: five queries of Nexmark over people, auctions and bids: 1 : 3 : 46 of 50 events, 10,000 events per second of event time, one
// second per micro-batch. Windows are answered when they are complete: once an event of their end or later has been seen.
import { arrays, stream } from './arrow.js';
import { random } from './random.js';

const BATCHES = 100;
const START_MS = Date.UTC(2024, 0, 1);
const FIRST_ID = 1_000;
const CYCLE = 50;
const AUCTIONS = 3;
const ACTIVE_PEOPLE = 1_000;
export const SLIDE_MS = 2_000;
export const WINDOW_MS = 10_000;
/** q1: euros per dollar. */
export const EUROS = 0.908;
/** q2: auctions whose number this divides. */
export const EVERY = 123;

const FIRST = 'Peter Paul Luke John Saul Vicky Kate Julie Sarah Deiter Walter'.split(' ');
const LAST = 'Shultz Abrams Spencer White Bartels Walton Smith Jones Noris'.split(' ');
const CITIES = ['Phoenix', 'Los Angeles', 'San Francisco', 'Boise', 'Portland', 'Bend', 'Redmond', 'Seattle', 'Kent', 'Cheyenne'];
const STATES = ['AZ', 'CA', 'ID', 'OR', 'WA', 'WY'];

const perBatch = (scale) => CYCLE * Math.max(4, Math.round(200 * scale));
const price = (draw) => Math.round(10 ** ((draw(1e9) / 1e9) * 6) * 100);
/** Returns a person of the last thousand before cycle `cycle`, or one of the next ten. */
const somebody = (draw, cycle) => {
  const active = Math.min(cycle + 1, ACTIVE_PEOPLE);
  return cycle + 1 - active + draw(active + 10);
};

const KINDS = {
  people: {
    types: { id: 'int', name: 'text', city: 'text', state: 'text', time: 'time' },
    places: [0],
    make: (draw, cycle) => {
      const of = (list) => list[draw(list.length)];
      return { id: FIRST_ID + cycle, name: `${of(FIRST)} ${of(LAST)}`, city: of(CITIES), state: of(STATES) };
    },
  },
  auctions: {
    types: {
      id: 'int',
      item: 'text',
      initialBid: 'int',
      reserve: 'int',
      seller: 'int',
      category: 'int',
      time: 'time',
      expires: 'time',
    },
    places: [1, 2, 3],
    make: (draw, cycle, place, time) => {
      const initialBid = price(draw);
      return {
        id: FIRST_ID + cycle * AUCTIONS + place - 1,
        item: `item${draw(1_000)}`,
        initialBid,
        reserve: initialBid + price(draw),
        // Three of four auctions are by the newest hundredth person.
        seller: FIRST_ID + (draw(4) > 0 ? cycle - (cycle % 100) : somebody(draw, cycle)),
        category: 10 + draw(5),
        expires: time + 1 + draw(20_000),
      };
    },
  },
  bids: {
    types: { auction: 'int', bidder: 'int', price: 'int', time: 'time' },
    places: Array.from({ length: CYCLE - AUCTIONS - 1 }, (_, i) => AUCTIONS + 1 + i),
    make: (draw, cycle) => {
      const last = cycle * AUCTIONS + AUCTIONS - 1;
      const from = Math.max(last - 100, 0);
      return {
        // Half of all bids are for one hot auction.
        auction: FIRST_ID + (draw(2) > 0 ? last - (last % 100) : from + draw(last - from + 11)),
        bidder: FIRST_ID + (draw(4) > 0 ? cycle - (cycle % 100) + 1 : somebody(draw, cycle)),
        price: price(draw),
      };
    },
  },
};

const events = (kind, seed) => {
  const { types, places, make } = KINDS[kind];
  return {
    name: `nexmark-${kind}`,
    rows: (scale) => (BATCHES * perBatch(scale) * places.length) / CYCLE,
    *batches(scale) {
      const draw = random(seed);
      for (let batch = 0; batch < BATCHES; batch++) {
        const rows = [];
        const cycles = perBatch(scale) / CYCLE;
        for (let cycle = batch * cycles; cycle < (batch + 1) * cycles; cycle++) {
          for (const place of places) {
            const time = START_MS + Math.floor(((cycle * CYCLE + place) * 1_000) / perBatch(scale));
            rows.push({ ...make(draw, cycle, place, time), time });
          }
        }
        yield stream(Object.fromEntries(Object.entries(types).map(([name, type]) => [name, [type, rows.map((row) => row[name])]])));
      }
    },
  };
};
const [people, auctions, bids] = [events('people', 4), events('auctions', 5), events('bids', 6)];

/** Runs `take` over those columns of each micro-batch. */
function each(batches, names, take) {
  for (const bytes of batches) take(arrays(bytes, names));
}
const ALL = ['auction', 'bidder', 'price', 'time'];

/** Sums of a query that answers every event that it keeps. */
export class Sums {
  columns = { rows: [0], price: [0], auction: [0] };

  add(auction, price) {
    this.columns.rows[0] += 1;
    this.columns.price[0] += price;
    this.columns.auction[0] += auction;
  }
}

function inEuros({ bids }) {
  const sums = new Sums();
  each(bids, ALL, ({ length, auction, bidder, price, time }) => {
    const rows = Array.from({ length }, (_, i) => ({ auction: auction[i], bidder: bidder[i], price: price[i] * EUROS, time: time[i] }));
    for (const row of rows) sums.add(row.auction, row.price);
  });
  return sums.columns;
}

function someAuctions({ bids }) {
  const sums = new Sums();
  each(bids, ['auction', 'price'], ({ auction, price }) => {
    const rows = Array.from(auction, (id, i) => ({ auction: id, price: price[i] })).filter((row) => row.auction % EVERY === 0);
    for (const row of rows) sums.add(row.auction, row.price);
  });
  return sums.columns;
}

/** Counts by slide and auction, as maps: a sliding window is five slides. */
export class Slides {
  #slides = new Map();
  #maxMs = 0;
  #lastEnd = 0;

  add(auction, ms) {
    const start = ms - (ms % SLIDE_MS);
    this.#lastEnd ||= start;
    if (ms > this.#maxMs) this.#maxMs = ms;
    let counts = this.#slides.get(start);
    if (!counts) this.#slides.set(start, (counts = new Map()));
    counts.set(auction, (counts.get(auction) ?? 0) + 1);
  }

  /** Adds the auctions with the most bids of each window that is complete by now to an answer. */
  close(answer) {
    for (let end = this.#lastEnd + SLIDE_MS; end <= this.#maxMs; this.#lastEnd = end, end += SLIDE_MS) {
      const window = new Map();
      for (let start = end - WINDOW_MS; start < end; start += SLIDE_MS)
        for (const [auction, n] of this.#slides.get(start) ?? []) window.set(auction, (window.get(auction) ?? 0) + n);
      const most = Math.max(...window.values());
      for (const [auction, n] of window) if (n === most) answer.push({ end, auction, n });
      this.#slides.delete(end - WINDOW_MS);
    }
  }
}

/** q5: the auctions with the most bids of each sliding window. */
function hotAuctions({ bids }) {
  const answer = [];
  const slides = new Slides();
  each(bids, ['auction', 'time'], ({ length, auction, time }) => {
    for (let i = 0; i < length; i++) slides.add(auction[i], time[i]);
    slides.close(answer);
  });
  return answer;
}

/** Windows of ten seconds by their end, made at first use. */
export class Tumbling {
  #windows = new Map();
  #maxMs = 0;

  constructor(make) {
    this.make = make;
  }

  at(ms) {
    if (ms > this.#maxMs) this.#maxMs = ms;
    const end = ms - (ms % WINDOW_MS) + WINDOW_MS;
    let window = this.#windows.get(end);
    if (!window) this.#windows.set(end, (window = this.make()));
    return window;
  }

  /** Returns the windows that are complete by now with their ends, and drops them. */
  complete() {
    const done = [...this.#windows].filter(([end]) => end <= this.#maxMs);
    for (const [end] of done) this.#windows.delete(end);
    return done;
  }
}

/** The highest bids of a window. */
export class Highest {
  bids = [];

  add(bid) {
    const price = this.bids[0]?.price ?? 0;
    if (bid.price > price) this.bids = [bid];
    else if (bid.price === price) this.bids.push(bid);
  }

  rows(end) {
    return this.bids.map(({ auction, bidder, price }) => ({ end, auction, bidder, price }));
  }
}

/** The newcomers and the sellers of a window. */
export class Newcomers {
  names = new Map();
  sellers = new Set();

  rows(end) {
    return [...this.sellers].filter((id) => this.names.has(id)).map((id) => ({ end, id, name: this.names.get(id) }));
  }
}

/** q7: the highest bids of each window. */
function highestBids({ bids }) {
  const answer = [];
  const windows = new Tumbling(() => new Highest());
  each(bids, ALL, ({ length, auction, bidder, price, time }) => {
    for (let i = 0; i < length; i++) windows.at(time[i]).add({ auction: auction[i], bidder: bidder[i], price: price[i] });
    for (const [end, window] of windows.complete()) answer.push(...window.rows(end));
  });
  return answer;
}

/** q8: who came and opened an auction within one window. */
function newSellers({ people, auctions }) {
  const answer = [];
  const windows = new Tumbling(() => new Newcomers());
  people.forEach((bytes, batch) => {
    const newcomers = arrays(bytes, ['id', 'name', 'time']);
    const opened = arrays(auctions[batch], ['seller', 'time']);
    newcomers.id.forEach((id, i) => windows.at(newcomers.time[i]).names.set(id, newcomers.name[i]));
    opened.seller.forEach((seller, i) => windows.at(opened.time[i]).sellers.add(seller));
    for (const [end, window] of windows.complete()) answer.push(...window.rows(end));
  });
  return answer;
}

const overBids = (title, keys, reference) => ({ title, inputs: { bids }, rows: bids.rows, keys, reference });
export const q1 = overBids('Nexmark q1, prices in euros', [], inEuros);
export const q2 = overBids('Nexmark q2, some auctions', [], someAuctions);
export const q5 = overBids('Nexmark q5, hot auctions', ['end', 'auction'], hotAuctions);
export const q7 = overBids('Nexmark q7, highest bids', ['end', 'auction', 'bidder'], highestBids);
export const q8 = {
  title: 'Nexmark q8, new sellers',
  inputs: { people, auctions },
  rows: (scale) => people.rows(scale) + auctions.rows(scale),
  keys: ['end', 'id', 'name'],
  reference: newSellers,
};
