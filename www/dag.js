// The stages of a job, as boxes and arrows.
import { svgElement as element } from './elements.js';

const BOX = { width: 190, height: 74, gapX: 56, gapY: 18 };

/** Column of each stage: one more than its farthest parent. */
function layers(stages) {
  const byId = new Map(stages.map((stage) => [stage.id, stage]));
  const depth = new Map();
  const of = (stage) => {
    if (!depth.has(stage.id)) {
      depth.set(stage.id, 0);
      depth.set(stage.id, Math.max(-1, ...stage.parents.filter((id) => byId.has(id)).map((id) => of(byId.get(id)))) + 1);
    }
    return depth.get(stage.id);
  };
  const columns = [];
  for (const stage of stages) (columns[of(stage)] ??= []).push(stage);
  return columns;
}

const shortened = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

/** Draws the stages of a job into `root`; `color` returns the colour (as CSS) of a stage's progress. */
export function drawDag(root, job, { label = 'Stages of the last batch', color = () => 'var(--accent)' } = {}) {
  root.replaceChildren();
  if (!job?.stages?.length) {
    root.classList.add('is-empty');
    return;
  }
  root.classList.remove('is-empty');
  const columns = layers(job.stages);
  const rows = Math.max(...columns.map((column) => column.length));
  const width = columns.length * (BOX.width + BOX.gapX) - BOX.gapX + 4;
  const height = rows * (BOX.height + BOX.gapY) - BOX.gapY + 4;
  const svg = element('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label }, root);
  const places = new Map();
  columns.forEach((column, x) =>
    column.forEach((stage, y) => {
      const top = 2 + ((rows - column.length) * (BOX.height + BOX.gapY)) / 2 + y * (BOX.height + BOX.gapY);
      places.set(stage.id, { left: 2 + x * (BOX.width + BOX.gapX), top });
    }),
  );
  for (const stage of job.stages) {
    const to = places.get(stage.id);
    for (const parent of stage.parents) {
      const from = places.get(parent);
      if (!from) continue;
      const [x1, y1, x2, y2] = [from.left + BOX.width, from.top + BOX.height / 2, to.left, to.top + BOX.height / 2];
      element('path', { d: `M${x1} ${y1} C${x1 + 28} ${y1} ${x2 - 28} ${y2} ${x2} ${y2}`, class: 'dag-edge' }, svg);
    }
  }
  for (const stage of job.stages) drawStage(svg, stage, places.get(stage.id), color(stage));
}

function drawStage(svg, stage, { left, top }, color) {
  const group = element(
    'g',
    {
      transform: `translate(${left} ${top})`,
      class: `dag-stage ${stage.running > 0 ? 'is-running' : ''} ${stage.skipped ? 'is-skipped' : ''}`,
    },
    svg,
  );
  element('title', {}, group, `${stage.name}\n${stage.operators ?? ''}`);
  element('rect', { width: BOX.width, height: BOX.height, rx: 8, class: 'dag-box' }, group);
  element(
    'text',
    { x: 12, y: 20, class: 'dag-name' },
    group,
    shortened(`Stage ${stage.id}${stage.attempt ? ` (attempt ${stage.attempt})` : ''}`, 26),
  );
  element('text', { x: 12, y: 38, class: 'dag-detail' }, group, shortened(String(stage.operators || stage.name).replace(/\s+/g, ' '), 26));
  if (stage.skipped) {
    element('text', { x: 12, y: 57, class: 'dag-detail' }, group, 'skipped');
    return;
  }
  const done = stage.tasks ? stage.completed / stage.tasks : 0;
  element('rect', { x: 12, y: 50, width: BOX.width - 84, height: 6, rx: 3, class: 'dag-track' }, group);
  element('rect', { x: 12, y: 50, width: (BOX.width - 84) * done, height: 6, rx: 3, class: 'dag-done', style: `fill: ${color}` }, group);
  element('text', { x: BOX.width - 12, y: 57, class: 'dag-count' }, group, `${stage.completed}/${stage.tasks} tasks`);
}
