// The result as a table: one line a window for the trending query, else the rows of the last batch as they are.
import { TrendingStore } from './trending.js';

const time = (ms) => new Date(ms).toISOString().slice(11, 16);
const day = (ms) => new Date(ms).toISOString().slice(0, 10);

function cell(row, text, className) {
  const td = row.insertCell();
  td.textContent = text;
  if (className) td.className = className;
  return td;
}

function heads(table, names) {
  const row = document.createElement('tr');
  for (const { text, number } of names) {
    const th = document.createElement('th');
    th.textContent = text;
    if (number) th.className = 'number';
    row.append(th);
  }
  table.tHead.replaceChildren(row);
}

/** One line for each of the newest windows; a window before the watermark is final. */
export function showWindows(table, store, watermarkMs) {
  heads(table, [{ text: 'Window (UTC)' }, { text: 'Top hashtags' }, { text: 'Hashtags', number: true }, { text: 'Uses', number: true }]);
  const body = document.createElement('tbody');
  for (const entry of store.newest(40)) {
    const row = body.insertRow();
    row.classList.toggle('is-final', entry.endMs <= watermarkMs);
    cell(row, `${time(entry.startMs)}–${time(entry.endMs)}`, 'when').title = day(entry.startMs);
    const top = row.insertCell();
    for (const { hashtag, count } of TrendingStore.ranking(entry, 4)) {
      const chip = document.createElement('span');
      chip.className = 'chip';
      chip.append(hashtag, Object.assign(document.createElement('b'), { textContent: count.toLocaleString() }));
      top.append(chip);
    }
    cell(row, entry.tags.size.toLocaleString(), 'number');
    let uses = 0;
    for (const { count } of entry.tags.values()) uses += count;
    cell(row, uses.toLocaleString(), 'number');
  }
  table.tBodies[0].replaceWith(body);
}

function shown(value) {
  if (value === null || value === undefined) return 'NULL';
  if (value instanceof Date) return value.toISOString().replace('T', ' ').replace('.000Z', '').replace('Z', '');
  if (value instanceof Map) return shown(Object.fromEntries(value));
  if (typeof value === 'number' && !Number.isInteger(value)) return value.toPrecision(6);
  if (typeof value === 'object') return `{${Object.values(value).map(shown).join(', ')}}`;
  return String(value);
}

/** The first rows of a batch of any query. */
export function showRows(table, rows) {
  const names = Object.keys(rows[0] ?? {});
  const numeric = (name) => typeof rows[0]?.[name] === 'number';
  heads(
    table,
    names.map((text) => ({ text, number: numeric(text) })),
  );
  const body = document.createElement('tbody');
  for (const row of rows.slice(0, 100)) {
    const line = body.insertRow();
    for (const name of names) cell(line, shown(row[name]), numeric(name) ? 'number' : undefined);
  }
  table.tBodies[0].replaceWith(body);
}
