// The guide's moving picture: rows over event time, windows, and the watermark that closes them.
import { element, svgElement } from './elements.js';

const WINDOW_MIN = 10;
const DELAY_MIN = 10;
const END_MIN = 50;
const STEP_MS = 1_100;
/** Event times of the rows in the order in which they come, in minutes after ten o'clock. */
const ROWS = [2, 5, 4, 8, 13, 7, 17, 22, 12, 19, 26, 6, 33, 29, 24, 38, 15, 44, 36, 47];
const LEFT = 20;
const RIGHT = 700;
const FLOOR = 170;
const place = (minute) => LEFT + ((RIGHT - LEFT) * minute) / END_MIN;
const clock = (minute) => `10:${String(minute).padStart(2, '0')}`;

class WatermarkPicture {
  #step = 0;
  #newest = -Infinity;
  #timer;

  constructor(figure) {
    this.svg = figure.querySelector('svg');
    this.play = element('button', { type: 'button', className: 'small', textContent: 'Play' });
    this.play.onclick = () => (this.#timer ? this.stop() : this.start());
    const next = element('button', { type: 'button', className: 'small', textContent: 'Next row' });
    next.onclick = () => {
      this.stop();
      this.step();
    };
    this.words = element('span', { className: 'hint' });
    figure.querySelector('figcaption').before(element('div', { className: 'moving-controls' }, this.play, next, this.words));
    this.reset();
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) for (let n = 0; n < 12; n++) this.step();
    else new IntersectionObserver(([entry]) => (entry.isIntersecting ? this.start() : this.stop())).observe(figure);
  }

  start() {
    if (this.#timer) return;
    this.play.textContent = 'Pause';
    this.#timer = setInterval(() => this.step(), STEP_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.play.textContent = 'Play';
  }

  reset() {
    this.#step = 0;
    this.#newest = -Infinity;
    this.svg.replaceChildren();
    this.windows = [];
    for (let from = 0; from < END_MIN; from += WINDOW_MIN) {
      const group = svgElement('g', { class: 'picture-window' }, this.svg);
      svgElement('rect', { x: place(from) + 2, y: 60, width: place(WINDOW_MIN) - LEFT - 4, height: FLOOR - 60, rx: 6 }, group);
      const label = svgElement('text', { x: place(from + WINDOW_MIN / 2), y: FLOOR + 22 }, group, '0 rows');
      svgElement('text', { x: place(from) + 2, y: FLOOR + 46, class: 'picture-time' }, group, clock(from));
      this.windows.push({ from, group, label, rows: 0, closed: false });
    }
    this.line = svgElement('g', { class: 'picture-line' }, this.svg);
    svgElement('line', { y1: 34, y2: FLOOR + 6 }, this.line);
    svgElement('text', { x: 6, y: 44 }, this.line, 'watermark');
    this.line.style.visibility = 'hidden';
  }

  /** The next row comes. */
  step() {
    if (this.#step === ROWS.length) return this.reset();
    const minute = ROWS[this.#step++];
    const window = this.windows[Math.floor(minute / WINDOW_MIN)];
    const late = window.closed;
    const dot = svgElement('circle', { cx: 0, cy: 0, r: 7, class: late ? 'picture-row is-late' : 'picture-row' }, this.svg);
    dot.style.transform = `translate(${place(minute)}px, 14px)`;
    if (!late) {
      window.rows += 1;
      window.label.textContent = `${window.rows} ${window.rows === 1 ? 'row' : 'rows'}`;
    }
    dot.getBoundingClientRect();
    dot.style.transform = `translate(${place(minute)}px, ${late ? 48 : FLOOR - 14 - ((window.rows - 1) % 5) * 19}px)`;
    this.#newest = Math.max(this.#newest, minute);
    this.words.textContent = `A row of ${clock(minute)}${late ? ' is late: its window is closed' : ''}`;
    this.#advance();
  }

  #advance() {
    const watermark = this.#newest - DELAY_MIN;
    if (watermark < 0) return;
    this.line.style.visibility = 'visible';
    this.line.style.transform = `translateX(${place(watermark)}px)`;
    for (const window of this.windows) {
      if (window.closed || window.from + WINDOW_MIN > watermark) continue;
      window.closed = true;
      window.group.classList.add('is-closed');
      window.label.textContent += ', final';
    }
  }
}

for (const figure of document.querySelectorAll('[data-picture="watermark"]')) new WatermarkPicture(figure);
