// RxJS: one chain of operators per query and one emission per event, as its documentation teaches.
import { concatMap, filter, from, lastValueFrom, map, mergeMap, reduce, tap, toArray, zip } from 'rxjs';
import { arrays } from '../workloads/arrow.js';
import { EUROS, EVERY, SLIDE_MS, Sums, WINDOW_MS } from '../workloads/nexmark.js';
import { Answers, Panes } from '../workloads/trends.js';

const decoder = new TextDecoder();
const finished = (events) => lastValueFrom(events, { defaultValue: undefined });

/** Runs micro-batches of events `{ ms, hashtag, score }`; events without a hashtag move only the time. */
async function trends(batches, eventsOf) {
  const answers = new Answers();
  const panes = new Panes();
  await finished(
    from(batches).pipe(
      concatMap((bytes) =>
        eventsOf(bytes).pipe(
          tap(({ ms }) => panes.see(ms)),
          filter(({ hashtag }) => hashtag !== undefined),
          reduce((all, { ms, hashtag, score }) => {
            all.add(ms, hashtag, score);
            return all;
          }, panes),
        ),
      ),
      tap((all) => answers.add(all.top())),
    ),
  );
  return answers.columns;
}

const tagsOf = ({ createdAt, text, score }) => {
  const ms = Date.parse(createdAt);
  const tags = text.split(' ').filter((word) => word.startsWith('#'));
  return tags.length > 0 ? from(tags.map((hashtag) => ({ ms, hashtag, score }))) : from([{ ms }]);
};

/** The rows of an Arrow stream, one by one. */
function* rows(bytes, names) {
  const columns = arrays(bytes);
  for (let i = 0; i < columns.length; i++) yield Object.fromEntries(names.map((name) => [name, columns[name][i]]));
}

function* hashtagRows(bytes) {
  const { length, time, hashtag, score } = arrays(bytes);
  for (let i = 0; i < length; i++) yield { ms: time[i], hashtag: hashtag[i], score: score[i] };
}

function* bidRows(bytes) {
  const { length, auction, bidder, price, time } = arrays(bytes);
  for (let i = 0; i < length; i++) yield { auction: auction[i], bidder: bidder[i], price: price[i], time: time[i] };
}

async function summed(bids, operators) {
  const sums = new Sums();
  await finished(
    from(bids).pipe(
      concatMap(bidRows),
      operators,
      tap(({ auction, price }) => sums.add(auction, price)),
    ),
  );
  return sums.columns;
}

async function q5({ bids }) {
  const answer = [];
  const panes = new Map();
  let [maxMs, lastEnd] = [0, 0];
  const count = (all, { auction, time }) => {
    const start = time - (time % SLIDE_MS);
    lastEnd ||= start;
    if (time > maxMs) maxMs = time;
    let pane = all.get(start);
    if (!pane) all.set(start, (pane = new Map()));
    pane.set(auction, (pane.get(auction) ?? 0) + 1);
    return all;
  };
  const close = (all) => {
    for (let end = lastEnd + SLIDE_MS; end <= maxMs; lastEnd = end, end += SLIDE_MS) {
      const window = new Map();
      for (let start = end - WINDOW_MS; start < end; start += SLIDE_MS)
        for (const [auction, n] of all.get(start) ?? []) window.set(auction, (window.get(auction) ?? 0) + n);
      const most = Math.max(...window.values());
      for (const [auction, n] of window) if (n === most) answer.push({ end, auction, n });
      all.delete(end - WINDOW_MS);
    }
  };
  await finished(
    from(bids).pipe(
      concatMap((bytes) => from(bidRows(bytes)).pipe(reduce(count, panes))),
      tap(close),
    ),
  );
  return answer;
}

/** Windows of ten seconds by their end. */
class Windows {
  #windows = new Map();
  #maxMs = 0;

  at(ms, make) {
    if (ms > this.#maxMs) this.#maxMs = ms;
    const end = ms - (ms % WINDOW_MS) + WINDOW_MS;
    let window = this.#windows.get(end);
    if (!window) this.#windows.set(end, (window = make()));
    return window;
  }

  /** The complete ones, as events; they are dropped. */
  complete() {
    const done = [...this.#windows].filter(([end]) => end <= this.#maxMs);
    for (const [end] of done) this.#windows.delete(end);
    return from(done);
  }
}

function q7({ bids }) {
  const highest = (windows, bid) => {
    const window = windows.at(bid.time, () => ({ bids: [] }));
    const best = window.bids[0];
    if (!best || bid.price > best.price) window.bids = [bid];
    else if (bid.price === best.price) window.bids.push(bid);
    return windows;
  };
  const windows = new Windows();
  return finished(
    from(bids).pipe(
      concatMap((bytes) => from(bidRows(bytes)).pipe(reduce(highest, windows))),
      concatMap((all) => all.complete()),
      mergeMap(([end, window]) => window.bids.map(({ auction, bidder, price }) => ({ end, auction, bidder, price }))),
      toArray(),
    ),
  );
}

function q8({ people, auctions }) {
  const windows = new Windows();
  const make = () => ({ names: new Map(), sellers: new Set() });
  const newcomers = (bytes) =>
    from(rows(bytes, ['id', 'name', 'time'])).pipe(tap(({ id, name, time }) => windows.at(time, make).names.set(id, name)));
  const sellers = (bytes) =>
    from(rows(bytes, ['seller', 'time'])).pipe(tap(({ seller, time }) => windows.at(time, make).sellers.add(seller)));
  return finished(
    zip(from(people), from(auctions)).pipe(
      concatMap(([one, other]) =>
        from([newcomers(one), sellers(other)]).pipe(
          concatMap((events) => events),
          reduce((all) => all, windows),
        ),
      ),
      concatMap((all) => all.complete()),
      mergeMap(([end, { names, sellers: ids }]) => [...ids].filter((id) => names.has(id)).map((id) => ({ end, id, name: names.get(id) }))),
      toArray(),
    ),
  );
}

export default () => ({
  runs: {
    W1: ({ tweets }) =>
      trends(tweets, (bytes) =>
        from(decoder.decode(bytes).split('\n')).pipe(
          filter((line) => line !== ''),
          map((line) => JSON.parse(line)),
          mergeMap(tagsOf),
        ),
      ),
    W2: ({ hashtags }) => trends(hashtags, (bytes) => from(hashtagRows(bytes))),
    q1: ({ bids }) =>
      summed(
        bids,
        map((bid) => ({ ...bid, price: bid.price * EUROS })),
      ),
    q2: ({ bids }) =>
      summed(
        bids,
        filter(({ auction }) => auction % EVERY === 0),
      ),
    q5,
    q7,
    q8,
  },
});
