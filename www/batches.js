// The batches of a discretized stream, as a StreamingListener receives them: totals, charts, table.
import { badge, cell, setText } from './elements.js';
import { Plot } from './plots.js';
import { clock, count, duration } from './units.js';

const ROWS = 300;
const byId = (id) => document.getElementById(id);
const compact = (value) => Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(value);

/** A StreamingListener that shows what it hears. */
export class Batches {
  #rows = new Map();

  constructor() {
    this.body = byId('batches').tBodies[0];
    this.plots = {
      records: new Plot(byId('plot-records'), [{ label: 'records', color: '--series-1', fill: true }], compact),
      processing: new Plot(
        byId('plot-processing'),
        [
          { label: 'ms', color: '--series-2', fill: true },
          { label: 'interval', color: '--series-4' },
        ],
        compact,
      ),
      delay: new Plot(byId('plot-delay'), [{ label: 'ms', color: '--series-3', fill: true }], compact),
    };
    this.reset(1_000);
  }

  /** Forgets all batches; the next ones come every `batchMs`. */
  reset(batchMs) {
    this.batchMs = batchMs;
    this.totals = { records: 0, submitted: 0, done: 0, processingMs: 0, delayMs: 0 };
    this.#rows.clear();
    this.body.replaceChildren();
    for (const plot of Object.values(this.plots)) plot.clear();
    this.#showTotals();
  }

  restyle() {
    for (const plot of Object.values(this.plots)) plot.restyle();
  }

  onBatchSubmitted(info) {
    this.totals.submitted += 1;
    this.totals.records += info.numRecords;
    const row = this.body.insertRow(0);
    row.dataset.time = info.batchTime;
    cell(row, clock(info.batchTime), 'when');
    cell(row, count(info.numRecords), 'number');
    for (const className of ['number', 'number', 'number', '']) cell(row, '–', className);
    this.#rows.set(info.batchTime, row);
    while (this.body.rows.length > ROWS) {
      this.#rows.delete(Number(this.body.rows[ROWS].dataset.time));
      this.body.deleteRow(ROWS);
    }
    this.#fill(info, 'waiting');
  }

  onBatchStarted(info) {
    this.#fill(info, 'running');
  }

  onBatchCompleted(info) {
    this.totals.done += 1;
    this.totals.processingMs += info.processingDelay;
    this.totals.delayMs += info.schedulingDelay + info.processingDelay;
    this.plots.records.add(info.batchTime, [info.numRecords]);
    this.plots.processing.add(info.batchTime, [info.processingDelay, this.batchMs]);
    this.plots.delay.add(info.batchTime, [info.schedulingDelay]);
    this.#fill(info, info.failure === null ? 'done' : 'failed');
  }

  #fill(info, state) {
    this.#showTotals();
    const row = this.#rows.get(info.batchTime);
    if (!row) return;
    const total = info.processingDelay === null ? null : info.schedulingDelay + info.processingDelay;
    [info.schedulingDelay, info.processingDelay, total].forEach((ms, n) => setText(row.cells[2 + n], duration(ms)));
    row.cells[5].replaceChildren(badge(state));
    row.title = info.failure ?? '';
  }

  #showTotals() {
    const { records, submitted, done, processingMs, delayMs } = this.totals;
    setText(byId('stream-records'), count(records));
    setText(byId('stream-batches'), count(done));
    setText(byId('stream-waiting'), count(submitted - done));
    setText(byId('stream-processing'), duration(done > 0 ? processingMs / done : null));
    setText(byId('stream-delay'), duration(done > 0 ? delayMs / done : null));
  }
}
