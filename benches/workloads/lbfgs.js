// L-BFGS (Liu and Nocedal, 1989) with a line search that halves: what a program in JavaScript that minimises something writes for itself.

const MEMORY = 10;
/** The share of the decrease that the slope promises, of which a step must have some (Armijo). */
const SUFFICIENT = 1e-4;
const MOST_HALVINGS = 20;

const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
const plus = (a, by, b) => a.map((x, i) => x + by * b[i]);

/** Returns the direction in which to go, by the newest steps and how the gradient changed over each. */
function direction(gradient, pairs) {
  let d = gradient.map((g) => -g);
  const shares = [];
  for (const { s, y, sy } of [...pairs].reverse()) {
    const share = dot(s, d) / sy;
    shares.unshift(share);
    d = plus(d, -share, y);
  }
  const last = pairs.at(-1);
  if (last) d = d.map((x) => (x * last.sy) / dot(last.y, last.y));
  pairs.forEach(({ s, y, sy }, i) => {
    d = plus(d, shares[i] - dot(y, d) / sy, s);
  });
  return d;
}

/** Returns where `loss` (x => { value, gradient }) is least, as far as `steps` steps from `start` get. */
export function minimize(loss, start, steps) {
  let [x, now] = [start, loss(start)];
  const pairs = [];
  for (let step = 0; step < steps; step++) {
    const d = direction(now.gradient, pairs);
    const slope = dot(d, now.gradient);
    let by = step === 0 ? 1 / Math.sqrt(dot(d, d)) : 1;
    let next;
    for (let halvings = 0; halvings < MOST_HALVINGS; halvings++, by /= 2) {
      next = loss(plus(x, by, d));
      if (next.value <= now.value + SUFFICIENT * by * slope) break;
    }
    // Nothing is left to gain but rounding errors.
    if (!(next.value < now.value)) return x;
    const [s, y] = [d.map((v) => by * v), plus(next.gradient, -1, now.gradient)];
    const sy = dot(s, y);
    if (sy > 0) pairs.push({ s, y, sy });
    if (pairs.length > MEMORY) pairs.shift();
    [x, now] = [plus(x, by, d), next];
  }
  return x;
}
