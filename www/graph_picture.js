// A graph on a canvas: vertices push each other off, edges pull, until it is quiet.
const STEPS = 320;
const STEPS_PER_FRAME = 4;
const PALETTE = ['--series-1', '--series-2', '--series-3', '--series-4', '--group-5', '--group-6', '--group-7'];
const OWN = { '--group-5': '#a0529c', '--group-6': '#3f86b8', '--group-7': '#7a8a2f' };

/** The colour of a group, as CSS. */
export function colorOf(group) {
  const name = PALETTE[Math.abs(Number(group)) % PALETTE.length];
  return OWN[name] ?? getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Draws graphs. */
export class GraphPicture {
  #vertices = [];
  #edges = [];
  #frame;

  constructor(canvas) {
    this.canvas = canvas;
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** Shows vertices `{ id, group, share }`, where `share` is 0 to 1, and edges between them. What was there keeps its place. */
  show(vertices, edges) {
    cancelAnimationFrame(this.#frame);
    const places = new Map(this.#vertices.map((vertex) => [vertex.id, vertex]));
    const kept = vertices.every(({ id }) => places.has(id)) && vertices.length === this.#vertices.length;
    this.#vertices = vertices.map((vertex, n) => {
      // A spiral to begin with: the same picture each time.
      const { x = 12 * Math.sqrt(n) * Math.cos(2.4 * n), y = 12 * Math.sqrt(n) * Math.sin(2.4 * n) } = places.get(vertex.id) ?? {};
      return { ...vertex, x, y, dx: 0, dy: 0 };
    });
    const byId = new Map(this.#vertices.map((vertex) => [vertex.id, vertex]));
    this.#edges = edges.filter(([a, b]) => byId.has(a) && byId.has(b)).map(([a, b]) => [byId.get(a), byId.get(b)]);
    if (kept) return this.draw();
    let step = 0;
    const settle = () => {
      const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
      for (let n = 0; (still || n < STEPS_PER_FRAME) && step < STEPS; n++) this.#move(1 - step++ / STEPS);
      this.draw();
      if (step < STEPS) this.#frame = requestAnimationFrame(settle);
    };
    settle();
  }

  #move(heat) {
    const all = this.#vertices;
    for (let i = 0; i < all.length; i++) {
      const a = all[i];
      for (let j = i + 1; j < all.length; j++) {
        const b = all[j];
        const [x, y] = [a.x - b.x, a.y - b.y];
        const force = 260 / (x * x + y * y + 20);
        a.dx += x * force;
        a.dy += y * force;
        b.dx -= x * force;
        b.dy -= y * force;
      }
      a.dx -= a.x * 0.03;
      a.dy -= a.y * 0.03;
    }
    for (const [a, b] of this.#edges) {
      const [x, y] = [b.x - a.x, b.y - a.y];
      a.dx += x * 0.045;
      a.dy += y * 0.045;
      b.dx -= x * 0.045;
      b.dy -= y * 0.045;
    }
    for (const vertex of all) {
      const length = Math.hypot(vertex.dx, vertex.dy) || 1;
      const most = 22 * heat + 0.5;
      vertex.x += (vertex.dx / length) * Math.min(length, most);
      vertex.y += (vertex.dy / length) * Math.min(length, most);
      vertex.dx = 0;
      vertex.dy = 0;
    }
  }

  /** Draws the vertices where they are now. */
  draw() {
    const { canvas } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (width === 0) return;
    const ratio = devicePixelRatio || 1;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    if (this.#vertices.length === 0) return;
    const [xs, ys] = ['x', 'y'].map((axis) => this.#vertices.map((vertex) => vertex[axis]));
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const scale = Math.min((width - 44) / (right - left || 1), (height - 44) / (bottom - top || 1));
    const at = ({ x, y }) => [width / 2 + (x - (left + right) / 2) * scale, height / 2 + (y - (top + bottom) / 2) * scale];
    const context = canvas.getContext('2d');
    context.scale(ratio, ratio);
    context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue('--ink-3').trim();
    context.globalAlpha = 0.28;
    context.beginPath();
    for (const [a, b] of this.#edges) {
      context.moveTo(...at(a));
      context.lineTo(...at(b));
    }
    context.stroke();
    context.globalAlpha = 1;
    for (const vertex of this.#vertices) {
      context.fillStyle = colorOf(vertex.group);
      context.beginPath();
      context.arc(...at(vertex), 3 + 12 * Math.sqrt(vertex.share), 0, 2 * Math.PI);
      context.fill();
    }
  }
}
