// The jobs of RDDs for just their result: nothing is made that a loop can do without.
import { checked, look, MODULUS, mixed, ordered } from '../../workloads/rdd.js';

export function reduce({ sizes: { pairs, keys } }) {
  const sums = new Map();
  for (let i = 0; i < pairs; i++) {
    const key = mixed(i) % keys;
    sums.set(key, (sums.get(key) ?? 0) + (i % 100));
  }
  let check = 0;
  for (const [key, sum] of sums) check = (check + key * sum) % MODULUS;
  return checked(sums.size, check);
}

export function join({ sizes: { left, right } }) {
  const byKey = new Map();
  for (let i = 0; i < right; i++) byKey.set(i, i * 3);
  let [count, check] = [0, 0];
  for (let i = 0; i < left; i++) {
    const other = byKey.get(mixed(i) % right);
    if (other === undefined) continue;
    count += 1;
    check = (check + i + other) % MODULUS;
  }
  return checked(count, check);
}

export function sort({ sizes: { numbers } }) {
  return ordered(look(Float64Array.from({ length: numbers }, (_, i) => mixed(i) / 7).sort()));
}
