// Tabs after the ARIA pattern: arrow keys move, and the address remembers the tab if asked to.

/** Makes tabs of a tablist's buttons; `select(id)` shows a tab's panel, and calls `onSelect` with it. */
export class Tabs {
  constructor(list, { inAddress = true, onSelect } = {}) {
    Object.assign(this, { inAddress, onSelect });
    this.tabs = [...list.children];
    for (const tab of this.tabs) tab.onclick = () => this.select(tab.id);
    list.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const at = this.tabs.indexOf(document.activeElement);
      const next = this.tabs.at((at + step) % this.tabs.length);
      next.focus();
      this.select(next.id);
    };
    const named = `tab-${location.hash.slice(1)}`;
    if (this.tabs.some((tab) => tab.id === named)) this.select(named);
  }

  select(id) {
    this.selected = id;
    for (const tab of this.tabs) {
      const selected = tab.id === id;
      tab.setAttribute('aria-selected', String(selected));
      tab.tabIndex = selected ? 0 : -1;
      document.getElementById(tab.getAttribute('aria-controls')).hidden = !selected;
    }
    if (this.inAddress) history.replaceState(null, '', `#${id.replace('tab-', '')}`);
    this.onSelect?.(id);
  }
}
