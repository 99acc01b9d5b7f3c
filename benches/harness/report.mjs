// The table of a bench, for the console and as Markdown.
import { contenders } from '../contenders/index.mjs';
import { workloads } from '../workloads/index.js';

const HEAD = ['workload', 'contender', 'median', 'fastest–slowest', 'CPU s', 'peak MB', 'of typed', 'of duckdb'];

const milliseconds = (seconds) => `${(seconds * 1_000).toFixed(seconds < 0.01 ? 2 : 0)} ms`;
const duration = (seconds) => (seconds < 1 ? milliseconds(seconds) : `${seconds.toFixed(2)} s`);
const rate = (rows, seconds) => {
  const bySecond = rows / seconds;
  return bySecond < 1e5 ? `${(bySecond / 1e3).toFixed(bySecond < 1e4 ? 2 : 0)}k/s` : `${(bySecond / 1e6).toFixed(2)}M/s`;
};
const known = (number, text) => (Number.isFinite(number) ? text(number) : '');

/** Returns the median as the workload is measured. */
function measured(figures, id, contender, scale) {
  const { measures, partRows } = workloads[id];
  if (measures === 'latency')
    return `p50 ${figures.latency(id, contender, 'p50').toFixed(2)} p99 ${figures.latency(id, contender, 'p99').toFixed(1)} ms`;
  if (measures === 'parts') return milliseconds(figures.part(id, contender, 'empty'));
  const total = duration(figures.of(id, contender));
  if (!partRows) return total;
  const rates = Object.entries(partRows(scale)).map(([part, rows]) => `${part} ${rate(rows, figures.part(id, contender, part))}`);
  return `${total}: ${rates.join(', ')}`;
}

function spread(runs, measures) {
  if (measures) return '';
  const seconds = runs.map((run) => run.seconds);
  return `${duration(Math.min(...seconds))}–${duration(Math.max(...seconds))}`;
}

/** Returns the rows of the table: a cell per column of HEAD. */
function rowsOf(figures, scale) {
  const rows = [];
  for (const [id, { runs, differences, failures }] of Object.entries(figures.rounds)) {
    for (const contender of Object.keys(contenders)) {
      const first = [`${id}, ${workloads[id].title}`, contenders[contender].name];
      if (failures[contender]) rows.push([...first, 'FAILED', '', '', '', '', '']);
      else if (differences[contender]) rows.push([...first, 'WRONG', '', '', '', '', '']);
      else if (runs[contender]) {
        const of = (other) => known(1 / figures.ratio(id, contender, other), (ratio) => ratio.toFixed(2));
        rows.push([
          ...first,
          measured(figures, id, contender, scale),
          spread(runs[contender], workloads[id].measures),
          known(
            figures.of(id, contender, ({ cpuSeconds }) => cpuSeconds),
            (seconds) => seconds.toFixed(2),
          ),
          known(
            figures.of(id, contender, ({ peakBytes }) => peakBytes),
            (bytes) => (bytes / 1e6).toFixed(0),
          ),
          of('typed'),
          of('duckdb'),
        ]);
      }
    }
  }
  return rows;
}

/** Returns the table as text in columns; a workload is named once. */
export function table(figures, scale) {
  const rows = [HEAD, ...rowsOf(figures, scale)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row, n) => row.map((cell, column) => (column === 0 && n > 0 && cell === rows[n - 1][0] ? '' : cell)))
    .map((row) =>
      row
        .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Returns the table and the targets as Markdown. */
export function markdown(figures, scale, targets) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const rows = rowsOf(figures, scale).map(line);
  const list = targets.map(({ number, what, verdict }) => `- ${number}. ${what}: ${verdict}`);
  return [line(HEAD), line(HEAD.map((_, i) => (i < 2 ? '---' : '--:'))), ...rows, '', ...list, ''].join('\n');
}

/** Returns a line for each workload and pair of builds: how the time of the first compares with the second's, run by run. */
export function comparison(figures, pairs) {
  const percent = (ratio) => `${((1 / ratio - 1) * 100).toFixed(1)} %`;
  return Object.keys(figures.rounds).flatMap((id) =>
    pairs.flatMap(([one, other]) => {
      const ratios = figures.ratios(id, one, other);
      if (ratios === undefined) return [];
      const [slowest, middle, fastest] = ratios.map(percent);
      return [`${id}: ${contenders[one].name} against ${contenders[other].name}: time ${middle} (${fastest} to ${slowest})`];
    }),
  );
}
