// W4: columns as they lie in the streams; windows as rings of typed arrays.
import { buffers, text } from '../../workloads/arrow.js';
import { EUROS, EVERY, SLIDE_MS, WINDOW_MS } from '../../workloads/nexmark.js';
import { halves, timeAt } from './times.js';

export function q1({ bids }) {
  const sums = { rows: [0], price: [0], auction: [0] };
  for (const { length, auction, bidder, price, time } of bids.flatMap(buffers)) {
    const euros = new Float64Array(length);
    for (let i = 0; i < length; i++) euros[i] = price.values[i] * EUROS;
    const rows = { auction: auction.values, bidder: bidder.values, price: euros, time: time.values };
    let [total, auctions] = [0, 0];
    for (let i = 0; i < length; i++) {
      total += rows.price[i];
      auctions += rows.auction[i];
    }
    sums.rows[0] += length;
    sums.price[0] += total;
    sums.auction[0] += auctions;
  }
  return sums;
}

export function q2({ bids }) {
  let [rows, total, auctions] = [0, 0, 0];
  for (const { length, auction, price } of bids.flatMap(buffers)) {
    const [ids, prices] = [auction.values, price.values];
    const kept = { auction: new Int32Array(length), price: new Int32Array(length) };
    let count = 0;
    for (let i = 0; i < length; i++) {
      if (ids[i] % EVERY !== 0) continue;
      kept.auction[count] = ids[i];
      kept.price[count++] = prices[i];
    }
    rows += count;
    for (let i = 0; i < count; i++) {
      total += kept.price[i];
      auctions += kept.auction[i];
    }
  }
  return { rows: [rows], price: [total], auction: [auctions] };
}

/** Counts by auction of one slide: auctions of a slide have neighbouring numbers. */
class Slide {
  number = -1;
  counts = new Int32Array(1 << 17);
  first = Infinity;
  last = -1;

  reset(number) {
    if (this.last >= 0) this.counts.fill(0, this.first, this.last + 1);
    Object.assign(this, { number, first: Infinity, last: -1 });
  }

  add(auction) {
    if (auction >= this.counts.length) {
      const larger = new Int32Array(2 * auction);
      larger.set(this.counts);
      this.counts = larger;
    }
    this.counts[auction] += 1;
    if (auction < this.first) this.first = auction;
    if (auction > this.last) this.last = auction;
  }
}

class Slides {
  ring = Array.from({ length: 8 }, () => new Slide());
  totals = new Int32Array(1 << 17);

  of(number) {
    const slide = this.ring[number & 7];
    if (slide.number !== number) slide.reset(number);
    return slide;
  }

  /** Adds the auctions with the most bids of the window that ends with slide `end` (not included) to an answer. */
  hottest(end, answer) {
    let [most, first, last] = [0, Infinity, -1];
    for (let number = end - WINDOW_MS / SLIDE_MS; number < end; number++) {
      const slide = this.ring[number & 7];
      if (slide.number !== number) continue;
      if (slide.last >= this.totals.length) this.totals = new Int32Array(2 * slide.last);
      const { totals } = this;
      const { counts } = slide;
      first = Math.min(first, slide.first);
      last = Math.max(last, slide.last);
      for (let auction = slide.first; auction <= slide.last; auction++) {
        const total = (totals[auction] += counts[auction]);
        if (total > most) most = total;
      }
    }
    for (let auction = first; auction <= last; auction++) {
      if (this.totals[auction] === most) answer.push({ end: end * SLIDE_MS, auction, n: most });
      this.totals[auction] = 0;
    }
  }
}

export function q5({ bids }) {
  const answer = [];
  const slides = new Slides();
  let [maxMs, lastEnd] = [0, -1];
  for (const { length, auction, time } of bids.flatMap(buffers)) {
    const [ids, times] = [auction.values, halves(time.values)];
    for (let i = 0; i < length; i++) {
      const ms = timeAt(times, i);
      const number = Math.floor(ms / SLIDE_MS);
      if (lastEnd < 0) lastEnd = number;
      if (ms > maxMs) maxMs = ms;
      slides.of(number).add(ids[i]);
    }
    while ((lastEnd + 1) * SLIDE_MS <= maxMs) slides.hottest(++lastEnd, answer);
  }
  return answer;
}

/** Windows by number; those that are complete at `maxMs` are passed to `take` and dropped. */
function close(windows, maxMs, take) {
  for (const [number, window] of windows) {
    const end = (number + 1) * WINDOW_MS;
    if (end > maxMs) continue;
    take(window, end);
    windows.delete(number);
  }
}

export function q7({ bids }) {
  const answer = [];
  const windows = new Map();
  let maxMs = 0;
  for (const { length, auction, bidder, price, time } of bids.flatMap(buffers)) {
    const [auctions, bidders, prices, times] = [auction.values, bidder.values, price.values, halves(time.values)];
    let [window, number] = [undefined, -1];
    for (let i = 0; i < length; i++) {
      const ms = timeAt(times, i);
      if (ms > maxMs) maxMs = ms;
      const at = Math.floor(ms / WINDOW_MS);
      if (at !== number) {
        number = at;
        window = windows.get(at);
        if (!window) windows.set(at, (window = { price: -1, bids: [] }));
      }
      if (prices[i] < window.price) continue;
      if (prices[i] > window.price) {
        window.price = prices[i];
        window.bids = [];
      }
      window.bids.push(auctions[i], bidders[i]);
    }
    close(windows, maxMs, ({ price: highest, bids: best }, end) => {
      for (let i = 0; i < best.length; i += 2) answer.push({ end, auction: best[i], bidder: best[i + 1], price: highest });
    });
  }
  return answer;
}

export function q8({ people, auctions }) {
  const answer = [];
  const windows = new Map();
  let maxMs = 0;
  const at = (ms) => {
    if (ms > maxMs) maxMs = ms;
    const number = Math.floor(ms / WINDOW_MS);
    let window = windows.get(number);
    if (!window) windows.set(number, (window = { people: new Map(), sellers: new Set() }));
    return window;
  };
  people.forEach((bytes, batch) => {
    for (const { length, id, name, time } of buffers(bytes)) {
      const times = halves(time.values);
      for (let i = 0; i < length; i++) at(timeAt(times, i)).people.set(id.values[i], [name, i]);
    }
    for (const { length, seller, time } of buffers(auctions[batch])) {
      const times = halves(time.values);
      for (let i = 0; i < length; i++) at(timeAt(times, i)).sellers.add(seller.values[i]);
    }
    close(windows, maxMs, (window, end) => {
      for (const id of window.sellers) {
        const name = window.people.get(id);
        if (name) answer.push({ end, id, name: text(...name) });
      }
    });
  });
  return answer;
}
