// Time series of the query's progress, with uPlot.
import uPlot from 'uplot';

const KEPT = 240;

/** One chart with a few series over the time of the wall. */
export class Plot {
  /** @param {{label: string, color: string, fill?: boolean}[]} series colours are names of CSS variables */
  constructor(root, series, format = (value) => value.toLocaleString()) {
    this.root = root;
    this.series = series;
    this.format = format;
    this.data = [[], ...series.map(() => [])];
    new ResizeObserver(() => this.chart?.setSize(this.#size())).observe(root);
    this.restyle();
  }

  #size() {
    return { width: Math.max(120, this.root.clientWidth), height: 120 };
  }

  /** Draws anew with the colours of the current theme. */
  restyle() {
    const css = getComputedStyle(document.documentElement);
    const color = (name) => css.getPropertyValue(name).trim();
    const axis = {
      stroke: color('--ink-3'),
      font: '11px system-ui',
      ticks: { show: false },
      grid: { stroke: color('--line'), width: 1 },
      gap: 4,
    };
    this.chart?.destroy();
    this.chart = new uPlot(
      {
        ...this.#size(),
        legend: { show: false },
        cursor: { y: false, drag: { setScale: false }, sync: { key: 'progress' } },
        padding: [8, 28, 0, 0],
        scales: { x: { time: true }, y: { range: (_, min, max) => [Math.min(0, min), Math.max(max * 1.1, 1)] } },
        axes: [
          {
            ...axis,
            size: 22,
            grid: { show: false },
            space: 70,
            values: (_, ticks) => ticks.map((t) => new Date(t * 1_000).toLocaleTimeString([], { hour12: false })),
          },
          { ...axis, size: 48, space: 30, values: (_, ticks) => ticks.map(this.format) },
        ],
        series: [
          {},
          ...this.series.map((s) => ({
            label: s.label,
            stroke: color(s.color),
            width: 1.75,
            points: { show: false },
            fill: s.fill ? `${color(s.color)}22` : undefined,
          })),
        ],
      },
      this.data,
      this.root,
    );
  }

  /** Adds a point at `atMs`. */
  add(atMs, values) {
    const columns = [atMs / 1_000, ...values];
    columns.forEach((value, n) => {
      this.data[n].push(value);
      if (this.data[n].length > KEPT) this.data[n].shift();
    });
    this.chart.setData(this.data);
  }

  clear() {
    this.data = this.data.map(() => []);
    this.chart.setData(this.data);
  }
}

/** Writes a number in a few characters. */
export const short = (value) => Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 }).format(value);

/** Draws how fast a query is, in the elements `plot-rate` and `plot-duration`. */
export const speedPlots = () => ({
  rate: new Plot(
    document.getElementById('plot-rate'),
    [
      { label: 'arriving', color: '--series-1', fill: true },
      { label: 'processed', color: '--series-2' },
    ],
    short,
  ),
  duration: new Plot(document.getElementById('plot-duration'), [{ label: 'ms', color: '--series-1', fill: true }], short),
});
