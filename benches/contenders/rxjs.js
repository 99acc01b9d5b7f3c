// RxJS: one chain of operators per query and one emission per event, as its documentation teaches.
import { concat, concatMap, filter, from, groupBy, lastValueFrom, map, mergeMap, reduce, Subject, scan, tap, toArray, zip } from 'rxjs';
import { arrays } from '../workloads/arrow.js';
import { EUROS, EVERY, Highest, Newcomers, Slides, Sums, Tumbling } from '../workloads/nexmark.js';
import { Answers, Panes } from '../workloads/trends.js';
import { counted, filtered, passes } from '../workloads/w8.js';

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

/** Returns a generator of an Arrow stream's rows: objects of those columns, as `row(columns, i)` makes them. */
const rows = (names, row) =>
  function* (bytes) {
    const columns = arrays(bytes, names);
    for (let i = 0; i < columns.length; i++) yield row(columns, i);
  };
const hashtagRows = rows(['time', 'hashtag', 'score'], ({ time, hashtag, score }, i) => ({
  ms: time[i],
  hashtag: hashtag[i],
  score: score[i],
}));
const bidRows = rows(['auction', 'bidder', 'price', 'time'], ({ auction, bidder, price, time }, i) => ({
  auction: auction[i],
  bidder: bidder[i],
  price: price[i],
  time: time[i],
}));
const personRows = rows(['id', 'name', 'time'], ({ id, name, time }, i) => ({ id: id[i], name: name[i], time: time[i] }));
const sellerRows = rows(['seller', 'time'], ({ seller, time }, i) => ({ seller: seller[i], time: time[i] }));

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
  const count = (slides, { auction, time }) => {
    slides.add(auction, time);
    return slides;
  };
  const slides = new Slides();
  await finished(
    from(bids).pipe(
      concatMap((bytes) => from(bidRows(bytes)).pipe(reduce(count, slides))),
      tap((all) => all.close(answer)),
    ),
  );
  return answer;
}

/** Returns the rows of windows after each micro-batch of events, which `add` puts into their windows. */
const closing = (batches, windows, add) =>
  finished(
    batches.pipe(
      concatMap((events) => events.pipe(reduce(add, windows))),
      mergeMap((all) => all.complete()),
      mergeMap(([end, window]) => window.rows(end)),
      toArray(),
    ),
  );

function q7({ bids }) {
  return closing(from(bids).pipe(map((bytes) => from(bidRows(bytes)))), new Tumbling(() => new Highest()), (windows, bid) => {
    windows.at(bid.time).add(bid);
    return windows;
  });
}

function q8({ people, auctions }) {
  const events = zip(from(people), from(auctions)).pipe(map(([one, other]) => concat(from(personRows(one)), from(sellerRows(other)))));
  return closing(events, new Tumbling(() => new Newcomers()), (windows, { id, name, seller, time }) => {
    const window = windows.at(time);
    if (seller === undefined) window.names.set(id, name);
    else window.sellers.add(seller);
    return windows;
  });
}

const passesFilter = ({ key }) => passes(key);

/** Returns a function that emits events into a chain of operators, each on its own. */
function emitting({ keys }, operators, subscriber) {
  const source = new Subject();
  source.pipe(operators).subscribe(subscriber);
  return (from, to) => {
    for (let i = from; i < to; i++) source.next({ i, key: keys[i] });
  };
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
    W8: ({ events }, clock) => filtered(events, clock, (saw) => emitting(events, filter(passesFilter), ({ i }) => saw(i))),
    W8k: ({ events }, clock) =>
      counted(events, clock, (saw) => {
        const counts = mergeMap((own) => own.pipe(scan((count) => ({ key: own.key, n: count.n + 1 }), { n: 0 })));
        return emitting(
          events,
          (source) =>
            source.pipe(
              groupBy(({ key }) => key),
              counts,
            ),
          ({ key, n }) => saw(key, n),
        );
      }),
  },
});
