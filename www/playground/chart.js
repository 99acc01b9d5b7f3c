// Rows as a chart: a line over numbers and times, bars over anything else.
import uPlot from 'uplot';
import { element } from '../elements.js';
import { isNumeric, shown } from './values.js';

const BARS = 30;
const POINTS = 20_000;
const HEIGHT_PX = 340;
const byId = (id) => document.getElementById(id);
const isTime = (rows, name) => rows.find((row) => row[name] != null)?.[name] instanceof Date;

/** A chart with choices for what is across and what is up. */
export class Chart {
  #rows = [];
  #plot;

  constructor(root) {
    this.root = root;
    for (const id of ['chart-x', 'chart-y', 'chart-kind']) byId(id).onchange = () => this.draw();
    new ResizeObserver(() => this.#plot?.setSize({ width: root.clientWidth, height: HEIGHT_PX })).observe(root);
  }

  /** Takes rows; what was chosen stays chosen if the columns are there. */
  show(names, rows) {
    this.#rows = rows;
    const numeric = names.filter((name) => isNumeric(rows, name));
    const across = names.find((name) => isTime(rows, name)) ?? names.find((name) => !numeric.includes(name)) ?? names[0];
    this.#offer('chart-x', names, across);
    this.#offer(
      'chart-y',
      numeric,
      numeric.find((name) => name !== across && !/(^|_)id$/i.test(name)),
    );
    this.draw();
  }

  #offer(id, names, first) {
    const before = byId(id).value;
    byId(id).replaceChildren(...names.map((name) => new Option(name, name)));
    byId(id).value = names.includes(before) ? before : (first ?? names[0] ?? '');
  }

  /** Draws in the colours of the theme, if the chart is in view. */
  draw() {
    this.#plot?.destroy();
    this.#plot = undefined;
    this.root.replaceChildren();
    if (this.root.clientWidth === 0 || this.#rows.length === 0) return;
    const [x, y, kind] = ['chart-x', 'chart-y', 'chart-kind'].map((id) => byId(id).value);
    if (!y) {
      this.root.append(element('p', { className: 'hint', textContent: 'No column of these rows is a number.' }));
      return;
    }
    const ordered = isTime(this.#rows, x) || isNumeric(this.#rows, x);
    if (kind === 'line' || (kind === 'auto' && ordered)) this.#line(x, y);
    else this.#bars(x, y);
  }

  #line(x, y) {
    const time = isTime(this.#rows, x);
    const ordered = time || isNumeric(this.#rows, x);
    const place = (row, n) => (time ? row[x]?.getTime() / 1_000 : ordered ? Number(row[x]) : n);
    const step = Math.ceil(this.#rows.length / POINTS);
    const points = this.#rows
      .filter((row, n) => n % step === 0 && row[x] != null)
      .map((row, n) => [place(row, n), row[y] == null ? null : Number(row[y])])
      .sort((a, b) => a[0] - b[0]);
    const css = getComputedStyle(document.documentElement);
    const color = (name) => css.getPropertyValue(name).trim();
    const axis = { stroke: color('--ink-3'), font: '11px system-ui', ticks: { show: false }, grid: { stroke: color('--line'), width: 1 } };
    this.#plot = new uPlot(
      {
        width: this.root.clientWidth,
        height: HEIGHT_PX,
        scales: { x: { time } },
        axes: [axis, { ...axis, size: 64 }],
        series: [{ label: x }, { label: y, stroke: color('--series-1'), width: 1.5, points: { show: points.length < 60 } }],
      },
      [points.map(([at]) => at), points.map(([, value]) => value)],
      this.root,
    );
  }

  #bars(x, y) {
    const rows = this.#rows.slice(0, BARS);
    const most = Math.max(...rows.map((row) => Math.abs(Number(row[y] ?? 0))), Number.MIN_VALUE);
    const list = element('ol', { className: 'chart-bars' });
    for (const row of rows) {
      const bar = element('i');
      bar.style.width = `${(100 * Math.abs(Number(row[y] ?? 0))) / most}%`;
      list.append(
        element(
          'li',
          {},
          element('span', { className: 'chart-name', textContent: shown(row[x]), title: shown(row[x]) }),
          element('span', { className: 'bar-track' }, bar),
          element('b', { textContent: shown(row[y]) }),
        ),
      );
    }
    this.root.append(list);
    if (this.#rows.length > BARS)
      this.root.append(
        element('p', { className: 'hint', textContent: `The first ${BARS} of ${this.#rows.length.toLocaleString()} rows.` }),
      );
  }
}
