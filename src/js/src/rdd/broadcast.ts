import { SparkError } from '../errors.js';

/**
 * A value that functions over datasets may use: bind it (`rdd.map((x, { words }) => words.value.has(x), { words })`) (`Broadcast`).
 */
export class Broadcast<T> {
  #value: T | undefined;
  #alive = true;

  /** @internal */
  constructor(value: T) {
    this.#value = value;
  }

  /** The value. Throws once it was destroyed. */
  get value(): T {
    if (!this.#alive)
      throw new SparkError('Attempted to use a broadcast variable after it was destroyed', { condition: 'RIVULET_BROADCAST_DESTROYED' });
    return this.#value as T;
  }

  /** Forgets the value; using it afterwards is an error. */
  destroy(): void {
    this.#alive = false;
    this.#value = undefined;
  }
}
