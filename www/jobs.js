// The jobs of a session: as statuses report them, and the table of them.
import { badge, cell, element, setText } from './elements.js';
import { clock, count, duration } from './units.js';

const KEPT = 100;

/** Remembers jobs longer than the engine's status does, which lists only the last few. */
export class JobLog {
  #jobs = new Map();

  /** Takes a status in. A job that is listed no longer and was not over then has an unknown end. */
  update(status) {
    const listed = new Set(status.jobs.map((job) => job.id));
    for (const job of status.jobs) this.#jobs.set(job.id, job);
    for (const job of this.#jobs.values()) {
      if (job.state === 'running' && !listed.has(job.id)) this.#jobs.set(job.id, { ...job, state: 'unknown' });
    }
    for (const id of [...this.#jobs.keys()].sort((a, b) => b - a).slice(KEPT)) this.#jobs.delete(id);
  }

  get(id) {
    return this.#jobs.get(id);
  }
  newest() {
    return [...this.#jobs.values()].sort((a, b) => b.id - a.id);
  }
}

/** Stages and tasks of a job that ran or run; those whose output was there already are only counted as skipped. */
export function progress(job) {
  const ran = job.stages.filter((stage) => !stage.skipped);
  const sum = (of) => ran.reduce((total, stage) => total + of(stage), 0);
  return {
    skipped: job.stages.length - ran.length,
    stages: ran.length,
    stagesDone: ran.filter((stage) => stage.completed >= stage.tasks).length,
    tasks: sum((stage) => stage.tasks),
    tasksDone: sum((stage) => stage.completed),
    failed: sum((stage) => stage.failed),
  };
}

/** How long a job took, or has been running; null if that is not known. */
export function tookMs(job, nowMs) {
  if (job.finishedMs !== null) return job.finishedMs - job.submittedMs;
  return job.state === 'running' ? Math.max(0, nowMs - job.submittedMs) : null;
}

/** The table of jobs, newest first; one of them is chosen. */
export class JobsTable {
  #rows = new Map();

  /** `choose` is called with the id of a job that is clicked. */
  constructor(table, choose) {
    this.body = table.tBodies[0];
    this.choose = choose;
  }

  show(jobs, chosen, nowMs) {
    const shown = new Set(jobs.map((job) => job.id));
    for (const [id, { row }] of this.#rows) {
      if (shown.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    // Rows stay in place (and keep the focus); new jobs have larger ids and stand on top.
    for (const job of jobs.toReversed()) this.#fill(this.#rows.get(job.id) ?? this.#create(job), job, job.id === chosen, nowMs);
  }

  #create(job) {
    const row = this.body.insertRow(0);
    row.onclick = () => this.choose(job.id);
    const button = element('button', { type: 'button', textContent: job.description || 'job', title: job.description });
    cell(row, String(job.id), 'number');
    cell(row, button);
    const state = cell(row, '');
    cell(row, clock(job.submittedMs), 'when');
    const took = cell(row, '', 'number');
    const stages = cell(row, '');
    const bar = element('i');
    const tasks = element('span');
    cell(row, element('span', { className: 'share', ariaHidden: 'true' }, bar)).append(tasks);
    const parts = { row, button, state, took, stages, bar, tasks };
    this.#rows.set(job.id, parts);
    return parts;
  }

  #fill({ row, button, state, took, stages, bar, tasks }, job, chosen, nowMs) {
    const p = progress(job);
    row.dataset.job = job.id;
    row.classList.toggle('is-chosen', chosen);
    button.setAttribute('aria-pressed', String(chosen));
    if (state.textContent !== job.state) state.replaceChildren(badge(job.state));
    setText(took, duration(tookMs(job, nowMs)));
    setText(stages, `${p.stagesDone}/${p.stages}${p.skipped > 0 ? `, ${p.skipped} skipped` : ''}`);
    bar.style.width = `${p.tasks > 0 ? (100 * p.tasksDone) / p.tasks : 0}%`;
    setText(tasks, `${count(p.tasksDone)}/${count(p.tasks)}${p.failed > 0 ? `, ${count(p.failed)} failed` : ''}`);
  }
}
