// A table of any number of rows: only those in view are elements.
import { element } from '../elements.js';
import { isNumeric, shown } from './values.js';

const ROW_PX = 28;
/** Rows above and below the view that are there already. */
const SPARE = 12;
const WIDEST_CH = 48;
/** Rows that are looked at for the widths of the columns. */
const MEASURED = 200;

/** Shows rows in an element that scrolls. */
export class Grid {
  #names = [];
  #rows = [];
  #numeric = new Set();
  /** Elements of rows by their number. */
  #lines = new Map();
  #drawing;

  constructor(root) {
    this.root = root;
    root.tabIndex = 0;
    root.setAttribute('role', 'group');
    root.setAttribute('aria-label', 'Rows');
    root.addEventListener('scroll', () => this.#schedule(), { passive: true });
    new ResizeObserver(() => this.#schedule()).observe(root);
  }

  /** Shows other rows. */
  show(names, rows) {
    const same = names.join('\0') === this.#names.join('\0');
    this.#names = names;
    this.#rows = rows;
    if (names.length === 0) return this.clear();
    if (!same || !this.body) this.#build();
    this.#resize();
    this.#redraw();
  }

  /** Draws what has been added to the rows since. */
  grown() {
    this.#resize();
    this.#schedule();
  }

  clear() {
    this.root.replaceChildren();
    this.#lines.clear();
    this.body = undefined;
    this.#names = [];
    this.#rows = [];
  }

  #build() {
    const head = element('div', { className: 'grid-row grid-head', role: 'row' });
    head.setAttribute('aria-rowindex', '1');
    for (const name of this.#names) head.append(element('span', { role: 'columnheader', textContent: name, title: name }));
    this.head = head;
    this.body = element('div', { className: 'grid-body', role: 'rowgroup' });
    this.table = element(
      'div',
      { className: 'grid-table', role: 'table' },
      element('div', { role: 'rowgroup', className: 'grid-top' }, head),
      this.body,
    );
    this.table.setAttribute('aria-label', 'Result');
    this.table.setAttribute('aria-colcount', String(this.#names.length));
    this.root.replaceChildren(this.table);
    this.root.scrollTop = 0;
    this.#lines.clear();
  }

  #resize() {
    const sample = this.#rows.slice(0, MEASURED);
    this.#numeric = new Set(this.#names.filter((name) => isNumeric(sample, name)));
    const widths = this.#names.map((name) => {
      const longest = sample.reduce((most, row) => Math.max(most, shown(row[name]).length), name.length);
      return `minmax(${Math.min(WIDEST_CH, Math.max(6, longest + 1))}ch, 1fr)`;
    });
    this.table.style.setProperty('--columns', widths.join(' '));
    this.table.setAttribute('aria-rowcount', String(this.#rows.length + 1));
    this.body.style.height = `${this.#rows.length * ROW_PX}px`;
    [...this.head.children].forEach((cell, n) => cell.classList.toggle('number', this.#numeric.has(this.#names[n])));
  }

  #redraw() {
    for (const line of this.#lines.values()) line.remove();
    this.#lines.clear();
    this.#draw();
  }

  #schedule() {
    this.#drawing ??= requestAnimationFrame(() => {
      this.#drawing = undefined;
      if (this.body) this.#draw();
    });
  }

  /** Lines that leave the view are used for those that come. */
  #draw() {
    const first = Math.max(0, Math.floor(this.root.scrollTop / ROW_PX) - SPARE);
    const last = Math.min(this.#rows.length, Math.ceil((this.root.scrollTop + this.root.clientHeight) / ROW_PX) + SPARE);
    const free = [];
    for (const [number, line] of this.#lines) {
      if (number >= first && number < last) continue;
      free.push(line);
      this.#lines.delete(number);
    }
    for (let number = first; number < last; number++) {
      if (this.#lines.has(number)) continue;
      const line = free.pop() ?? this.#line();
      this.#fill(line, number);
      this.#lines.set(number, line);
    }
    for (const line of free) line.remove();
  }

  #line() {
    const line = element('div', { className: 'grid-row', role: 'row' });
    for (const _ of this.#names) line.append(element('span', { role: 'cell' }));
    this.body.append(line);
    return line;
  }

  #fill(line, number) {
    line.style.transform = `translateY(${number * ROW_PX}px)`;
    line.setAttribute('aria-rowindex', String(number + 2));
    line.classList.toggle('is-odd', number % 2 === 1);
    const row = this.#rows[number];
    this.#names.forEach((name, n) => {
      const cell = line.children[n];
      const value = row[name];
      const text = shown(value);
      cell.textContent = text;
      cell.title = text.length > 24 ? text : '';
      cell.className = value === null || value === undefined ? 'null' : this.#numeric.has(name) ? 'number' : '';
    });
  }
}
