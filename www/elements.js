// Elements, made and filled. Strings go in as text, never as HTML.
const SVG = 'http://www.w3.org/2000/svg';

/** An SVG element with attributes, at the end of `parent`. */
export function svgElement(name, attributes, parent, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  parent?.append(node);
  return node;
}

/** An HTML element with properties and children. */
export function element(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

/** A cell at the end of a row. */
export function cell(row, content, className = '') {
  const td = row.insertCell();
  td.className = className;
  td.append(content);
  return td;
}

/** A state as a dot and a word. */
export function badge(state) {
  const node = element('span', { className: 'badge' }, element('i', { className: 'dot' }), state);
  node.dataset.state = state;
  return node;
}

/** Sets a text where it differs, so that what is selected and read aloud stays. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
