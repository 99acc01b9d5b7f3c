import { IllegalStateException } from '../../errors.js';

/** A key's state during one batch of `mapWithState` (`StateImpl`): what its function may do when. */
export class MappedState {
  #exists: boolean;
  #state: unknown;
  #removed = false;
  #timingOut = false;

  constructor(states: readonly unknown[]) {
    this.#exists = states.length > 0;
    this.#state = states[0];
  }

  exists(): boolean {
    return this.#exists;
  }
  isTimingOut(): boolean {
    return this.#timingOut;
  }
  getOption(): unknown {
    return this.#exists ? this.#state : null;
  }
  get(): unknown {
    if (!this.#exists) throw new IllegalStateException('State is not set', { condition: 'STATE_NOT_DEFINED' });
    return this.#state;
  }
  update(state: unknown): void {
    if (this.#removed) throw new IllegalStateException('Cannot update the state after it has been removed');
    if (this.#timingOut) throw new IllegalStateException('Cannot update the state that is timing out');
    this.#state = state;
    this.#exists = true;
  }
  remove(): void {
    if (this.#timingOut) throw new IllegalStateException('Cannot remove the state that is timing out');
    if (this.#removed) throw new IllegalStateException('Cannot remove the state that has already been removed');
    if (!this.#exists) throw new IllegalStateException('Cannot remove a state that is not set', { condition: 'STATE_NOT_DEFINED' });
    this.#exists = false;
    this.#removed = true;
  }
  /** For the next record of the batch: one that was removed may come again. @internal */
  again(): void {
    this.#removed = false;
  }
  /** @internal */
  timeOut(): void {
    this.#timingOut = true;
  }
}
