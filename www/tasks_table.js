// How long the tasks of each stage of a job took.
import { cell, element, svgElement } from './elements.js';
import { stageColor } from './timeline.js';
import { count, duration } from './units.js';

const BARS = { width: 190, height: 26, widest: 10 };

/** The durations of a stage's tasks (ms) by partition: of the attempt that was done first, null without one. */
export function durationsOf(stage) {
  const first = new Map();
  for (const attempt of stage.attempts ?? []) {
    if (attempt.state !== 'done' || attempt.endMs === null) continue;
    const before = first.get(attempt.partition);
    if (!before || attempt.endMs < before.endMs) first.set(attempt.partition, attempt);
  }
  const partitions = Math.max(stage.tasks, 1 + Math.max(-1, ...first.keys()));
  return Array.from({ length: partitions }, (_, n) => (first.has(n) ? first.get(n).endMs - first.get(n).startMs : null));
}

/** Smallest, middle and largest; null of none. The middle of an even number is the mean of the two. */
export function spread(durations) {
  const sorted = durations.filter((ms) => ms !== null).sort((a, b) => a - b);
  if (sorted.length === 0) return { min: null, median: null, max: null };
  const half = sorted.length / 2;
  const median = (sorted[Math.floor(half)] + sorted[Math.ceil(half) - 1]) / 2;
  return { min: sorted[0], median: sorted.length % 2 === 0 ? median : sorted[Math.floor(half)], max: sorted.at(-1) };
}

/** Shows a job's stages in a table; null clears it. */
export function showTasks(table, job) {
  const body = document.createElement('tbody');
  // One scale for all stages of the job, so that they compare.
  const longest = Math.max(1, ...(job?.stages ?? []).flatMap(durationsOf));
  for (const stage of job?.stages ?? []) {
    const row = body.insertRow();
    row.classList.toggle('is-skipped', Boolean(stage.skipped));
    const swatch = element('i', { className: 'swatch' });
    swatch.style.setProperty('--c', stageColor(stage));
    cell(row, swatch).append(`${stage.id}${stage.attempt > 0 ? ` (attempt ${stage.attempt})` : ''}`);
    cell(row, stage.operators || stage.name);
    if (stage.skipped) {
      cell(row, 'skipped: its output was there already').colSpan = 6;
      continue;
    }
    const durations = durationsOf(stage);
    const { min, median, max } = spread(durations);
    for (const text of [`${count(stage.completed)}/${count(stage.tasks)}`, count(stage.failed), ...[min, median, max].map(duration)])
      cell(row, text, 'number');
    cell(row, max === null ? '–' : bars(stage, durations, longest));
  }
  table.tBodies[0].replaceWith(body);
}

function bars(stage, durations, longest) {
  const step = Math.min(BARS.widest, BARS.width / durations.length);
  const label = `Durations of the ${durations.length} tasks of stage ${stage.id} by partition`;
  const svg = svgElement('svg', { width: Math.ceil(step * durations.length), height: BARS.height, role: 'img', 'aria-label': label });
  durations.forEach((ms, partition) => {
    if (ms === null) return;
    const height = Math.max(2, (BARS.height * ms) / longest);
    const bar = svgElement(
      'rect',
      {
        x: partition * step,
        y: BARS.height - height,
        width: Math.max(0.5, step - (step > 4 ? 2 : 0)),
        height,
        class: 'task',
        style: `--c: ${stageColor(stage)}`,
      },
      svg,
    );
    svgElement('title', {}, bar, `Partition ${partition}: ${duration(ms)}`);
  });
  return svg;
}
