import type { Column, LiteralValue } from './column.js';

/** Values for the markers of an SQL text: by name for `:name`, in order for `?`. */
export type SqlArguments = Readonly<Record<string, Column | LiteralValue>> | readonly (Column | LiteralValue)[];
