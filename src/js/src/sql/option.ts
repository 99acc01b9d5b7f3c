import { SparkTypeError } from '../errors.js';
import { kindOf, shown } from '../values/misfit.js';

/** The text of an option's or a setting's value. Throws a SparkTypeError for a value that no text stands for. @internal */
export function settingText(key: string, value: unknown): string {
  if (!['string', 'number', 'boolean', 'bigint'].includes(typeof value)) {
    const message = `The value of ${key} must be a string, a number or a boolean, not ${shown(value)} (${kindOf(value)})`;
    throw new SparkTypeError(message, { parameters: { arg_name: key, arg_type: kindOf(value) } });
  }
  return String(value);
}

/** Options as strings, without those that are undefined or null. @internal */
export function optionTexts(options: Readonly<Record<string, unknown>>): Record<string, string> {
  const set = Object.entries(options).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(set.map(([key, value]) => [key, settingText(key, value)]));
}
