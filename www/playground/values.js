// Values of rows as text.
import { element } from '../elements.js';

const timeText = (date) =>
  date
    .toISOString()
    .replace('T', ' ')
    .replace(/(\.000)?Z$/, '');

/** A value as a cell shows it. */
export function shown(value) {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Date) return timeText(value);
  if (value instanceof Uint8Array) return `0x${Array.from(value.subarray(0, 32), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  if (value instanceof Map) return `{${[...value].map(([key, item]) => `${shown(key)}: ${shown(item)}`).join(', ')}}`;
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([key, item]) => `${key}: ${shown(item)}`)
      .join(', ')}}`;
  return String(value);
}

/** Whether a column of these rows holds numbers, judged by its first value that is not null. */
export function isNumeric(rows, name) {
  for (const row of rows) {
    const value = row[name];
    if (value === null || value === undefined) continue;
    return typeof value === 'number' || typeof value === 'bigint';
  }
  return false;
}

const csvField = (value) => {
  if (value === null || value === undefined) return '';
  const text = shown(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** Offers rows as a file of CSV. */
export function downloadCsv(names, rows) {
  const lines = [names.map(csvField).join(','), ...rows.map((row) => names.map((name) => csvField(row[name])).join(','))];
  const href = URL.createObjectURL(new Blob([`${lines.join('\n')}\n`], { type: 'text/csv' }));
  element('a', { href, download: 'rows.csv' }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}
