// Times and sizes as text.
const seconds = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });

/** `12 ms`, `3.4 s`, `2 min 5 s`; a dash for none. */
export function duration(ms) {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${seconds.format(ms / 1_000)} s`;
  const all = Math.round(ms / 1_000);
  return `${Math.floor(all / 60)} min ${all % 60} s`;
}

/** `512 B`, `3.4 KiB`, `1.2 MiB`. */
export function size(bytes) {
  let [value, unit] = [bytes, 0];
  while (value >= 1_024 && unit < 3) [value, unit] = [value / 1_024, unit + 1];
  return `${value.toLocaleString('en', { maximumFractionDigits: unit === 0 ? 0 : 1 })} ${['B', 'KiB', 'MiB', 'GiB'][unit]}`;
}

export const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false });
export const count = (n) => n.toLocaleString('en');
