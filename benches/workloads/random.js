// Numbers that look random and are the same on every machine.

/** Returns a function that draws whole numbers from 0 to below its argument. */
export function random(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** Returns a function that draws whole numbers below `n`, the k-th with weight 1/(k+1). */
export function zipf(n, draw) {
  const sums = new Float64Array(n);
  for (let k = 0, sum = 0; k < n; k++) sums[k] = sum += 1 / (k + 1);
  return () => {
    const at = (draw(2 ** 31) / 2 ** 31) * sums[n - 1];
    let [low, high] = [0, n - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

const SYLLABLES = ['ka', 'lo', 'mi', 'ra', 'ten', 'su', 'vo', 'ne', 'pi', 'do', 'zu', 'han', 'bri', 'tok', 'wel', 'gar'];

/** Returns the name of word `k`, without spaces and in small letters. */
export function word(k) {
  const mixed = Math.imul(k, 2_654_435_761) >>> 0;
  return `${SYLLABLES[mixed & 15]}${SYLLABLES[(mixed >>> 4) & 15]}${k.toString(36)}`;
}
