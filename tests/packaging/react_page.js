// A page of React's, in StrictMode: a session, a table, two queries over a stream that the page pushes; and their end.
import { createElement, StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { functions as F } from 'rivulet';
import { useRows, useSession, useStreamingQuery } from 'rivulet/react';

const sessions = new Set();
/** What the page pushes: to the rows that show, and to the query. */
let sources;

function Page({ done }) {
  const { session, progress, error } = useSession((builder) => builder.master('local[1]'));
  // What is made of a session is made once.
  const push = () => session.readStream.push({ schema: 'n INT', format: 'json' });
  if (session && !sessions.has(session)) sources = [push(), push()];
  if (session) sessions.add(session);
  const table = useRows(() => session?.range(10).filter(F.col('id').geq(7)).orderBy('id'), [session]);
  const sums = useRows(() => session && sources[0].df.groupBy().sum('n'), [session], { outputMode: 'complete' });
  const [kept, setKept] = useState([]);
  const query = useStreamingQuery(
    () =>
      session &&
      sources[1].df.writeStream
        .foreachBatch(async (batch) => {
          const rows = await batch.collect();
          setKept((now) => [...now, ...rows.map(({ n }) => n)]);
        })
        .start(),
    [session],
  );
  const isRunning = query.status === 'running';
  useEffect(() => {
    if (isRunning) for (const source of sources) source.write('{"n":1}\n{"n":41}\n');
  }, [isRunning]);
  const total = sums.rows[0]?.['sum(n)'];
  useEffect(() => {
    const failure = error ?? table.error ?? sums.error ?? query.error;
    if (failure) window.rivulet = { start: String(failure) };
    else if (Number(total) >= 42 && kept.length >= 2 && table.rows.length > 0) {
      done({
        rows: table.rows.map(({ id }) => id).join(' '),
        totals: String(total),
        kept: [...kept].sort((a, b) => a - b).join(' '),
        query: query.status,
        workers: sessions.size === 1 && progress?.stage === 'ready' ? 'one session' : `${sessions.size} sessions, ${progress?.stage}`,
      });
    }
  });
  return createElement('p', null, progress?.percent);
}

const root = createRoot(document.body.appendChild(document.createElement('div')));
const done = (answers) => {
  setTimeout(() => root.unmount());
  const look = () => {
    if ([...sessions].every(({ isStopped }) => isStopped)) window.rivulet = { ...answers, stopped: 'yes' };
    else setTimeout(look, 20);
  };
  look();
};
root.render(createElement(StrictMode, null, createElement(Page, { done })));
