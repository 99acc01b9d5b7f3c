/** A graph whose edges come as a stream, in the plainest words: what the engine's answers are compared with. */

/** Uniform numbers below 1, by a linear congruence. */
export function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

/** Strings by their UTF-8 bytes, numbers by their value. */
export function order(a, b) {
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Each vertex with the lowest vertex that it is connected to: union-find without any skill. */
export function componentsOf(edges) {
  const component = new Map();
  for (const [a, b] of edges) {
    for (const id of [a, b]) if (!component.has(id)) component.set(id, id);
    const [one, other] = [component.get(a), component.get(b)].sort(order);
    if (one !== other) for (const [id, its] of component) if (its === other) component.set(id, one);
  }
  return component;
}

/** Each vertex with its edges that end, begin, and both. */
export function degreesOf(edges) {
  const degrees = new Map();
  for (const [a, b] of edges) {
    for (const id of [a, b]) if (!degrees.has(id)) degrees.set(id, [0, 0, 0]);
    degrees.get(b)[0] += 1;
    degrees.get(a)[1] += 1;
    for (const id of [a, b]) degrees.get(id)[2] += 1;
  }
  return degrees;
}

/** A table that batches of update mode have made, and how many of their rows changed nothing. */
export function tableOf(batches) {
  const table = new Map();
  let idle = 0;
  for (const rows of batches) {
    for (const [id, ...values] of rows) {
      if (JSON.stringify(table.get(id)) === JSON.stringify(values)) idle += 1;
      table.set(id, values);
    }
  }
  return { table, idle };
}
