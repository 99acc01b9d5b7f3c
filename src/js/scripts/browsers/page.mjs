// A page of a browser that can do no more than run a function in it: what tests need of Playwright's pages, made of that. Elements are
// found by CSS, `text=…` or `… >> nth=N`; clicks and keys are those of the page's own script, not of a hand.
import { readFileSync } from 'node:fs';
import { handleOf, waitUntil } from './wire.mjs';

/** Finds the elements of a selector: runs in the page. */
function allOf(selector) {
  const [css, nth] = selector.split(' >> nth=');
  const shown = (element) => element.checkVisibility();
  const wanted = css.startsWith('text=') ? css.slice('text='.length) : undefined;
  const all =
    wanted === undefined
      ? [...document.querySelectorAll(css)]
      : [...document.querySelectorAll('body *')].filter(
          (element) =>
            shown(element) &&
            element.textContent.toLowerCase().includes(wanted.toLowerCase()) &&
            ![...element.children].some((child) => child.textContent.toLowerCase().includes(wanted.toLowerCase())),
        );
  return nth === undefined ? all : all.slice(Number(nth), Number(nth) + 1);
}

/** A function of the page, by its text. */
const inPage = (text) => Object.assign(() => {}, { toString: () => text });

/** Finds the first element and hands it to `f` with an argument; undefined until it is there and `ready`. */
const withFirst = (f, ready = () => true) =>
  inPage(`([selector, arg]) => {
    const element = (${allOf})(selector)[0];
    return element && (${ready})(element) ? { has: (${f})(element, arg) } : undefined;
  }`);

const isVisible = (element) => element.checkVisibility();
const isEnabled = (element) => element.checkVisibility() && !element.disabled;

export class PortablePage {
  waitForTimeout(ms) {
    return new Promise((go) => setTimeout(go, ms));
  }
  async waitForFunction(f, arg, options) {
    return handleOf(await waitUntil(() => this.evaluate(f, arg), options));
  }
  /** Waits for an element, does something with it, and returns what that returns. */
  async #first(selector, f, { arg, ready, timeout } = {}) {
    const find = withFirst(f, ready);
    try {
      return (await waitUntil(() => this.evaluate(find, [selector, arg]), { timeout })).has;
    } catch (error) {
      if (error.name === 'TimeoutError') error.message = `${selector}: ${error.message}`;
      throw error;
    }
  }
  #all(selector, f, arg) {
    return this.evaluate(inPage(`([selector, arg]) => (${f})((${allOf})(selector), arg)`), [selector, arg]);
  }

  waitForSelector(selector, { timeout } = {}) {
    return this.#first(selector, () => true, { ready: isVisible, timeout });
  }
  click(selector) {
    return this.#first(selector, (element) => element.click(), { ready: isEnabled });
  }
  focus(selector) {
    return this.#first(selector, (element) => element.focus());
  }
  check(selector) {
    return this.#first(selector, (element) => element.checked || element.click(), { ready: isEnabled });
  }
  fill(selector, value) {
    const type = (element, text) => {
      element.focus();
      element.value = text;
      for (const name of ['input', 'change']) element.dispatchEvent(new Event(name, { bubbles: true }));
    };
    return this.#first(selector, type, { arg: value, ready: isEnabled });
  }
  selectOption(selector, value) {
    return this.fill(selector, value);
  }
  /** Presses a key in an element: Enter sends its form. */
  press(selector, key) {
    const down = (element, name) => {
      const goes = element.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true }));
      if (goes && name === 'Enter') element.form?.requestSubmit();
    };
    return this.#first(selector, down, { arg: key, ready: isEnabled });
  }
  /** Chooses a file, `{ name, mimeType, buffer }`. */
  setInputFiles(selector, { name, mimeType, buffer }) {
    const choose = (element, file) => {
      const chosen = new DataTransfer();
      chosen.items.add(new File([file.text], file.name, { type: file.type }));
      element.files = chosen.files;
      element.dispatchEvent(new Event('change', { bubbles: true }));
    };
    return this.#first(selector, choose, { arg: { name, type: mimeType, text: buffer.toString() } });
  }
  textContent(selector) {
    return this.#first(selector, (element) => element.textContent);
  }
  getAttribute(selector, name) {
    return this.#first(selector, (element, attribute) => element.getAttribute(attribute), { arg: name });
  }
  isVisible(selector) {
    return this.#all(selector, (all) => all[0]?.checkVisibility() ?? false);
  }
  async isHidden(selector) {
    return !(await this.isVisible(selector));
  }
  locator(selector) {
    return { count: () => this.#all(selector, (all) => all.length) };
  }
  $eval(selector, f, arg) {
    return this.#first(selector, f, { arg });
  }
  $$eval(selector, f, arg) {
    return this.#all(selector, f, arg);
  }
  addScriptTag({ path }) {
    return this.evaluate(
      (content) => {
        document.head.append(Object.assign(document.createElement('script'), { textContent: content }));
      },
      readFileSync(path, 'utf8'),
    );
  }
}
