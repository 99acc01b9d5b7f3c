// What the page shows of a running query: totals, bars, table, plots, stages.
import { Bars } from './bars.js';
import { drawDag } from './dag.js';
import { Executors } from './executors.js';
import { Plot, short, speedPlots } from './plots.js';
import { showRows, showWindows } from './table.js';
import { TrendingStore } from './trending.js';

const byId = (id) => document.getElementById(id);
const when = Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'UTC',
  timeZoneName: 'short',
});
const clock = (ms) => new Date(ms).toISOString().slice(11, 16);

export class View {
  constructor(kill) {
    this.bars = new Bars(byId('bars'));
    this.executors = new Executors(byId('executor-list'), kill);
    this.plots = {
      ...speedPlots(),
      watermark: new Plot(byId('plot-watermark'), [{ label: 'minutes', color: '--series-3', fill: true }], short),
      late: new Plot(byId('plot-late'), [{ label: 'rows', color: '--series-4', fill: true }], short),
    };
    byId('window-select').onchange = () => this.draw();
    this.reset();
  }

  reset() {
    this.store = new TrendingStore();
    this.totals = { rows: 0, batches: 0, late: 0 };
    this.watermarkMs = -Infinity;
    this.newestMs = -Infinity;
    this.generic = null;
    this.job = null;
    for (const plot of Object.values(this.plots)) plot.clear();
    for (const [id, text] of Object.entries({
      'total-rows': '0',
      'total-batches': '0',
      'state-rows': '0',
      'late-rows': '0',
      watermark: '–',
    }))
      byId(id).textContent = text;
    this.bars.show(null);
    byId('table').tBodies[0].replaceChildren();
    drawDag(byId('dag'), null);
    byId('job-note').textContent = '';
  }

  restyle() {
    for (const plot of Object.values(this.plots)) plot.restyle();
  }

  /** Rows of a micro-batch. */
  batch(rows) {
    if (rows.length > 0) this.generic = this.store.update(rows) ? null : rows;
    this.schedule();
  }

  /** A StreamingQueryProgress. */
  progress(progress) {
    const nowMs = Date.now();
    const sum = (name) => progress.stateOperators.reduce((total, operator) => total + (operator[name] ?? 0), 0);
    this.totals.rows += progress.numInputRows;
    this.totals.batches = progress.batchId + 1;
    this.totals.late += sum('numRowsDroppedByWatermark');
    if (progress.eventTime?.watermark) this.watermarkMs = Date.parse(progress.eventTime.watermark);
    if (progress.eventTime?.max) this.newestMs = Math.max(this.newestMs, Date.parse(progress.eventTime.max));
    byId('total-rows').textContent = this.totals.rows.toLocaleString();
    byId('total-batches').textContent = this.totals.batches.toLocaleString();
    byId('state-rows').textContent = sum('numRowsTotal').toLocaleString();
    byId('late-rows').textContent = this.totals.late.toLocaleString();
    if (this.watermarkMs > 0) byId('watermark').textContent = when.format(this.watermarkMs);
    if (progress.numInputRows > 0) {
      this.plots.rate.add(nowMs, [progress.inputRowsPerSecond || null, progress.processedRowsPerSecond || null]);
      this.plots.duration.add(nowMs, [progress.durationMs?.triggerExecution ?? null]);
      this.plots.watermark.add(nowMs, [this.watermarkMs > 0 ? Math.max(0, this.newestMs - this.watermarkMs) / 60_000 : null]);
      this.plots.late.add(nowMs, [this.totals.late]);
    }
    this.schedule();
  }

  /** The engine's status. */
  status(status) {
    this.executors.show(status.executors);
    const job = status.jobs.toSorted((a, b) => b.id - a.id).find((candidate) => candidate.stages.length > 0);
    if (!job) return;
    drawDag(byId('dag'), job);
    const tookMs = job.finishedMs ? job.finishedMs - job.submittedMs : null;
    byId('job-note').textContent = `job ${job.id}${tookMs === null ? ', running' : `, ${tookMs.toLocaleString()} ms`}`;
  }

  /** Draws with the next frame, once however much has come. */
  schedule() {
    this.scheduled ??= requestAnimationFrame(() => {
      this.scheduled = undefined;
      this.draw();
    });
  }

  draw() {
    const table = byId('table');
    if (this.generic) {
      byId('table-title').textContent = 'Rows of the last batch';
      byId('table-note').textContent = `${this.generic.length.toLocaleString()} rows`;
      this.bars.show(null);
      return showRows(table, this.generic);
    }
    const windows = this.store.newest();
    byId('table-title').textContent = 'Windows';
    byId('table-note').textContent = windows.length > 0 ? `${windows.length.toLocaleString()} windows` : '';
    this.#windowChoices(windows);
    const chosen = byId('window-select').value;
    // The very newest window has hardly begun: the one before it says more.
    const entry = chosen ? this.store.windows.get(Number(chosen)) : (windows.find((w) => w.endMs <= this.newestMs + 300_000) ?? windows[0]);
    this.bars.show(entry ?? null);
    showWindows(table, this.store, this.watermarkMs);
  }

  #windowChoices(windows) {
    const select = byId('window-select');
    if (select === document.activeElement) return;
    const chosen = select.value;
    const options = windows.slice(0, 24).map(({ startMs, endMs }) => new Option(`${clock(startMs)}–${clock(endMs)} UTC`, startMs));
    select.replaceChildren(new Option('Newest window', ''), ...options);
    select.value = options.some((option) => option.value === chosen) ? chosen : '';
  }

  /** A line of the event log. */
  log(text) {
    const item = document.createElement('li');
    item.append(Object.assign(document.createElement('time'), { textContent: new Date().toLocaleTimeString([], { hour12: false }) }), text);
    byId('log').prepend(item);
    while (byId('log').children.length > 50) byId('log').lastChild.remove();
  }
}
