// Progress of a streaming query, in numbers and plots.
import { speedPlots } from '../plots.js';

const byId = (id) => document.getElementById(id);

/** The panel of streams. */
export class StreamMetrics {
  #plots = speedPlots();

  reset() {
    this.totals = { rows: 0, late: 0 };
    for (const plot of Object.values(this.#plots)) plot.clear();
    for (const id of ['rows', 'batches', 'state', 'late']) byId(`stream-${id}`).textContent = '0';
  }

  restyle() {
    for (const plot of Object.values(this.#plots)) plot.restyle();
  }

  /** Takes a StreamingQueryProgress. */
  show(progress) {
    const sum = (name) => progress.stateOperators.reduce((total, operator) => total + (operator[name] ?? 0), 0);
    this.totals.rows += progress.numInputRows;
    this.totals.late += sum('numRowsDroppedByWatermark');
    byId('stream-rows').textContent = this.totals.rows.toLocaleString();
    byId('stream-batches').textContent = (progress.batchId + 1).toLocaleString();
    byId('stream-state').textContent = sum('numRowsTotal').toLocaleString();
    byId('stream-late').textContent = this.totals.late.toLocaleString();
    const { watermark, max } = progress.eventTime ?? {};
    const lag =
      watermark && max
        ? `; the newest event is ${Math.max(0, Math.round((Date.parse(max) - Date.parse(watermark)) / 60_000))} minutes ahead of it`
        : '';
    byId('stream-note').textContent =
      watermark && Date.parse(watermark) > 0 ? `Watermark: ${watermark}${lag}.` : 'The query has no watermark yet.';
    if (progress.numInputRows === 0) return;
    this.#plots.rate.add(Date.now(), [progress.inputRowsPerSecond || null, progress.processedRowsPerSecond || null]);
    this.#plots.duration.add(Date.now(), [progress.durationMs?.triggerExecution ?? null]);
  }
}
