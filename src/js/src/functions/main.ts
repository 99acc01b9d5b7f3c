/**
 * Entry of `functions.js`, which executors load when a function of the user's is to run for the first time. What it is stands under
 * a global name, so that it does not matter whether a bundler has made a module or a script of it.
 */
import { VERSION } from '../version.js';
import { Programs } from './programs.js';

/** What the script leaves. */
export interface Functions {
  readonly VERSION: string;
  readonly Programs: typeof Programs;
}

(globalThis as { rivuletFunctions?: Functions }).rivuletFunctions = { VERSION, Programs };
