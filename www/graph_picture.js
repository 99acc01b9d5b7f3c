// A graph on a canvas: vertices push each other off, edges pull, until it is quiet (d3-force).
import { forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } from 'd3-force';

const PALETTE = ['--series-1', '--series-2', '--series-3', '--series-4', '--group-5', '--group-6', '--group-7'];
const OWN = { '--group-5': '#a0529c', '--group-6': '#3f86b8', '--group-7': '#7a8a2f' };
/** How many colours there are. */
export const COLOURS = PALETTE.length;
/** Steps that are made at once where nothing may move about. */
const STILL_STEPS = 200;
/** How far sizes and the view go towards what they should be, each step. */
const EASE = 0.12;

const styled = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const isStill = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
const radiusOf = (share) => 3 + 12 * Math.sqrt(share);

/** The colour of a group, as CSS; of none, without one. */
export function colorOf(group) {
  if (group === null || group === undefined) return styled('--ink-3');
  const name = PALETTE[Math.abs(Number(group)) % PALETTE.length];
  return OWN[name] ?? styled(name);
}

/** Draws graphs. */
export class GraphPicture {
  #vertices = [];
  #edges = [];
  #pointed;
  /** What the middle of the canvas shows, and pixels per unit. */
  #view;
  #simulation = forceSimulation()
    .force('charge', forceManyBody().strength(-90).distanceMax(400))
    .force('x', forceX().strength(0.07))
    .force('y', forceY().strength(0.07))
    .force(
      'collide',
      forceCollide(({ radius }) => radius + 2),
    )
    .stop();

  constructor(canvas) {
    this.canvas = canvas;
    this.#simulation.on('tick', () => {
      this.#ease(EASE);
      this.draw();
    });
    new ResizeObserver(() => {
      this.#ease(1);
      this.draw();
    }).observe(canvas);
    canvas.addEventListener('pointermove', (event) => this.#point(event));
    canvas.addEventListener('pointerleave', () => this.#point());
  }

  /**
   * Shows vertices `{ id, group, share, label }`, where `share` is 0 to 1 and `label` is drawn beside it, and edges `[from, to, weight]`
   * between them. What was there keeps its place; what is new comes beside what it is joined to.
   */
  show(vertices, edges) {
    const known = new Map(this.#vertices.map((vertex) => [vertex.id, vertex]));
    const fresh = vertices.filter(({ id }) => !known.has(id)).length;
    this.#vertices = vertices.map((vertex) => Object.assign(known.get(vertex.id) ?? {}, { label: undefined }, vertex));
    const byId = new Map(this.#vertices.map((vertex) => [vertex.id, vertex]));
    const ends = edges.filter(([a, b]) => a !== b && byId.has(a) && byId.has(b));
    this.#edges = ends.map(([a, b, weight = 1]) => ({ source: byId.get(a), target: byId.get(b), weight }));
    this.#placeNew();
    const links = forceLink(this.#edges).distance(34);
    this.#simulation.nodes(this.#vertices).force(
      'link',
      links.strength(({ weight }) => Math.min(0.25, Math.sqrt(weight) / 8)),
    );
    // Another graph is laid out anew, one that grows settles again.
    const heat = fresh > vertices.length / 3 ? 1 : 0.25;
    for (const vertex of this.#vertices) vertex.radius ??= 3;
    if (!isStill()) {
      this.#simulation.alpha(Math.max(this.#simulation.alpha(), heat)).restart();
      return;
    }
    this.#simulation.stop().alpha(heat).tick(STILL_STEPS);
    this.#ease(1);
    this.draw();
  }

  /** Puts what is new beside something that it is joined to, if that has a place; each a little elsewhere. */
  #placeNew() {
    let turn = 0;
    const place = (one, other) => {
      if (one.x !== undefined || other.x === undefined) return;
      one.x = other.x + 14 * Math.cos(turn);
      one.y = other.y + 14 * Math.sin(turn);
      turn += 2.4;
    };
    for (const { source, target } of this.#edges) {
      place(source, target);
      place(target, source);
    }
  }

  /** Sizes and the view go towards what they should be; with 1, they are it. */
  #ease(part) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (this.#vertices.length === 0 || width === 0) return;
    for (const vertex of this.#vertices) vertex.radius += (radiusOf(vertex.share) - vertex.radius) * part;
    const [xs, ys] = ['x', 'y'].map((axis) => this.#vertices.map((vertex) => vertex[axis]));
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const scale = Math.min((width - 64) / (right - left || 1), (height - 64) / (bottom - top || 1), 4);
    const wanted = { x: (left + right) / 2, y: (top + bottom) / 2, scale };
    this.#view ??= wanted;
    for (const [key, value] of Object.entries(wanted)) this.#view[key] += (value - this.#view[key]) * part;
  }

  #at({ x, y }) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    return [width / 2 + (x - this.#view.x) * this.#view.scale, height / 2 + (y - this.#view.y) * this.#view.scale];
  }

  /** Notes which vertex the pointer is at. */
  #point(event) {
    const near = event && this.#view ? this.#nearest(event.offsetX, event.offsetY) : undefined;
    if (near === this.#pointed) return;
    this.#pointed = near;
    this.draw();
  }

  #nearest(x, y) {
    let [found, least] = [undefined, 18];
    for (const vertex of this.#vertices) {
      const [vx, vy] = this.#at(vertex);
      const distance = Math.hypot(vx - x, vy - y) - vertex.radius;
      if (distance < least) [found, least] = [vertex, distance];
    }
    return found;
  }

  /** Draws the vertices where they are now. */
  draw() {
    const { canvas } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (width === 0) return;
    const ratio = devicePixelRatio || 1;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    if (this.#vertices.length === 0 || !this.#view) return;
    const context = canvas.getContext('2d');
    context.scale(ratio, ratio);
    this.#drawEdges(context);
    for (const vertex of this.#vertices) {
      context.fillStyle = colorOf(vertex.group);
      context.beginPath();
      context.arc(...this.#at(vertex), vertex.radius, 0, 2 * Math.PI);
      context.fill();
    }
    this.#drawLabels(context, width);
  }

  #drawEdges(context) {
    context.strokeStyle = styled('--ink-3');
    const pointed = this.#pointed;
    for (const { source, target, weight } of this.#edges) {
      const isPointed = pointed !== undefined && (source.id === pointed.id || target.id === pointed.id);
      context.globalAlpha = isPointed ? 0.85 : 0.25;
      context.lineWidth = Math.min(4, 0.6 + 0.4 * weight);
      context.beginPath();
      context.moveTo(...this.#at(source));
      context.lineTo(...this.#at(target));
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  #drawLabels(context, width) {
    context.font = '600 12px system-ui, sans-serif';
    context.textBaseline = 'middle';
    context.lineJoin = 'round';
    context.lineWidth = 3.5;
    context.strokeStyle = styled('--card');
    context.fillStyle = styled('--ink');
    const taken = [];
    for (const vertex of this.#vertices) {
      const text = vertex === this.#pointed ? (vertex.label ?? vertex.name) : vertex.label;
      if (!text) continue;
      const [x, y] = this.#at(vertex);
      const wide = context.measureText(text).width;
      const gap = vertex.radius + 5;
      const from = x + gap + wide > width ? x - gap - wide : x + gap;
      // The first that are there have the room.
      if (vertex !== this.#pointed && taken.some(([left, right, at]) => from < right && left < from + wide && Math.abs(at - y) < 14))
        continue;
      taken.push([from, from + wide, y]);
      context.strokeText(text, from, y);
      context.fillText(text, from, y);
    }
  }
}
