// When each task of a job ran, and where: a row per executor, a bar per attempt.
import { element, svgElement } from './elements.js';
import { duration } from './units.js';

const LEFT_PX = 84;
const RIGHT_PX = 24;
const AXIS_PX = 24;
const LANE_PX = 18;
const GAP_PX = 3;
const ROW_GAP_PX = 12;
const NARROWEST_PX = 2;
/** From this width on, a bar has room for the number of its partition. */
const NUMBER_PX = 16;
const COLORS = 6;

/** The colour of a stage, as CSS. */
export const stageColor = (stage) => `var(--stage-${stage.id % COLORS})`;

/** Whether the engine reports the attempts of a job's tasks. */
export const hasAttempts = (job) => job.stages.some((stage) => stage.attempts !== undefined);

/**
 * The attempts of a job by executor, each in the first lane that is free when it starts, so that none covers another.
 * @returns {{executor: number, lanes: {stage: object, attempt: object, endMs: number}[][]}[]}
 */
export function rowsOf(job, executors, nowMs) {
  const all = job.stages.flatMap((stage) =>
    (stage.attempts ?? []).map((attempt) => ({ stage, attempt, endMs: attempt.endMs ?? Math.max(nowMs, attempt.startMs) })),
  );
  const ids = [...new Set([...executors, ...all.map(({ attempt }) => attempt.executor)])].sort((a, b) => a - b);
  return ids.map((executor) => {
    const lanes = [];
    const own = all
      .filter(({ attempt }) => attempt.executor === executor)
      .sort((a, b) => a.attempt.startMs - b.attempt.startMs || a.endMs - b.endMs);
    for (const one of own) {
      const free = lanes.find((lane) => lane.at(-1).endMs <= one.attempt.startMs);
      if (free) free.push(one);
      else lanes.push([one]);
    }
    return { executor, lanes };
  });
}

/** A round distance (1, 2 or 5 times a power of ten; ms) that divides `spanMs` into at most `most` parts. */
export function tickStep(spanMs, most) {
  const least = Math.max(1, spanMs / most);
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= least);
}

/** The SVG of one job. */
export class Timeline {
  constructor(root, legend) {
    this.root = root;
    this.legend = legend;
    let width = 0;
    new ResizeObserver(() => {
      if (root.clientWidth === width) return;
      width = root.clientWidth;
      this.#draw();
    }).observe(root);
    this.show(null, [], 0);
  }

  /** `executors` get a row even if no task ran there; attempts that still run end at `nowMs`. */
  show(job, executors, nowMs) {
    this.shown = { job, executors, nowMs };
    this.#draw();
  }

  #draw() {
    const { job, executors, nowMs } = this.shown;
    const drawn = job?.stages.some((stage) => stage.attempts?.length > 0);
    this.root.classList.toggle('is-empty', !drawn);
    this.root.dataset.empty = emptyText(job);
    this.root.replaceChildren();
    this.legend.replaceChildren(...(drawn ? legendOf(job) : []));
    if (drawn && this.root.clientWidth > 0) this.#drawRows(job, rowsOf(job, executors, nowMs));
  }

  #drawRows(job, rows) {
    const width = Math.max(this.root.clientWidth, LEFT_PX + RIGHT_PX + 160);
    const bars = rows.flatMap(({ lanes }) => lanes.flat());
    const fromMs = Math.min(job.submittedMs, ...bars.map(({ attempt }) => attempt.startMs));
    const toMs = Math.max(job.finishedMs ?? 0, fromMs + 1, ...bars.map(({ endMs }) => endMs));
    const heights = rows.map(({ lanes }) => Math.max(1, lanes.length) * (LANE_PX + GAP_PX) - GAP_PX + ROW_GAP_PX);
    const bottom = heights.reduce((sum, height) => sum + height, 0);
    const label = `${bars.length} task attempts of job ${job.id} on ${rows.length} executors in ${duration(toMs - fromMs)}`;
    const svg = svgElement('svg', { width, height: bottom + AXIS_PX, role: 'img', 'aria-label': label }, this.root);
    const x = (ms) => LEFT_PX + ((ms - fromMs) / (toMs - fromMs)) * (width - LEFT_PX - RIGHT_PX);
    drawAxis(svg, toMs - fromMs, (ms) => x(fromMs + ms), bottom, Math.floor((width - LEFT_PX) / 90));
    let top = 0;
    rows.forEach(({ executor, lanes }, n) => {
      svgElement('line', { x1: 0, x2: width, y1: top + heights[n], y2: top + heights[n], class: 'row-line' }, svg);
      svgElement('text', { x: 0, y: top + ROW_GAP_PX / 2 + LANE_PX / 2 + 4, class: 'row-name' }, svg, `Executor ${executor}`);
      lanes.forEach((lane, k) => {
        for (const bar of lane) drawBar(svg, bar, x, top + ROW_GAP_PX / 2 + k * (LANE_PX + GAP_PX));
      });
      top += heights[n];
    });
  }
}

function emptyText(job) {
  if (!job) return 'The tasks of the chosen job appear here.';
  if (!hasAttempts(job)) return 'This version of the engine does not tell when tasks run.';
  return job.state === 'running' ? 'No task has started yet.' : 'No task ran.';
}

function drawAxis(svg, spanMs, x, bottom, most) {
  const step = tickStep(spanMs, Math.max(2, most));
  for (let ms = 0; ms <= spanMs; ms += step) {
    svgElement('line', { x1: x(ms), x2: x(ms), y1: 0, y2: bottom, class: 'grid' }, svg);
    svgElement('text', { x: x(ms), y: bottom + 17, class: 'tick' }, svg, ms === 0 ? '0' : duration(ms));
  }
}

function drawBar(svg, { stage, attempt, endMs }, x, top) {
  const left = x(attempt.startMs);
  const width = Math.max(NARROWEST_PX, x(endMs) - left - 1);
  const classes = `task is-${attempt.state}${attempt.speculative ? ' is-speculative' : ''}`;
  const bar = svgElement(
    'rect',
    { x: left, y: top, width, height: LANE_PX, rx: Math.min(3, width / 2), class: classes, style: `--c: ${stageColor(stage)}` },
    svg,
  );
  const again = attempt.attempt > 0 ? `, attempt ${attempt.attempt}` : '';
  const kind = attempt.speculative ? ', speculative' : '';
  svgElement(
    'title',
    {},
    bar,
    `Stage ${stage.id}, partition ${attempt.partition}${again}${kind}: ${attempt.state}, ${duration(endMs - attempt.startMs)}`,
  );
  const plain = attempt.state === 'done' || attempt.state === 'running';
  if (plain && width >= NUMBER_PX)
    svgElement('text', { x: left + width / 2, y: top + 13, class: 'task-number', 'aria-hidden': 'true' }, svg, attempt.partition);
}

/** The colours of the stages, and the marks that occur. */
function legendOf(job) {
  const attempts = job.stages.flatMap((stage) => stage.attempts ?? []);
  const item = (className, text, color) => {
    const swatch = element('i', { className: `swatch ${className}` });
    if (color) swatch.style.setProperty('--c', color);
    return element('li', {}, swatch, text);
  };
  const items = job.stages.map((stage) => {
    const li = item('', `Stage ${stage.id}${stage.skipped ? ', skipped' : ''}`, stageColor(stage));
    li.classList.toggle('is-skipped', Boolean(stage.skipped));
    return li;
  });
  if (attempts.some(({ state }) => state === 'failed' || state === 'lost')) items.push(item('is-failed', 'failed or lost'));
  if (attempts.some(({ speculative }) => speculative)) items.push(item('is-speculative', 'speculative'));
  return items;
}
