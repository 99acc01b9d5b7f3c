import { noteError } from './death.js';

/** A line of the engine's log, on the console at its level. */
export function log(who: string, level: string, text: string): void {
  if (level === 'error') noteError(text);
  const line = `[rivulet ${who}] ${text}`;
  if (level === 'error') console.error(line);
  else if (level === 'warn') console.warn(line);
  else console.debug(line);
}
