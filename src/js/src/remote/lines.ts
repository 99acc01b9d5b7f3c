/** Strings as tables: what a page reads or writes as JSON, CSV or lines, as relations that Spark parses. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { typeToMessage } from '../connect/type_message.js';
import { Parse_ParseFormat, type Relation, RelationSchema } from '../generated/remote/spark/connect/relations_pb.js';
import type { DataTypeSchema } from '../generated/remote/spark/connect/types_pb.js';
import { parseSchema } from '../values/ddl.js';
import { encodeRows } from '../values/encode.js';
import type { StructType } from '../values/types.js';

const LINE = parseSchema('value STRING');

/** What of a reader's settings says how strings become rows. */
export interface StringFormat {
  /** `json`, `csv` or `text`. */
  format: string;
  /** The schema; undefined lets Spark look. */
  schema: StructType | undefined;
  /** Options by name. */
  options: Readonly<Record<string, string>>;
}

/** Returns an option, whatever its case. */
export function optionOf(options: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.entries(options).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

/** A file's content, unpacked if its name says that it is packed. */
export function unpacked(file: Blob): Blob | Response {
  const name = 'name' in file ? String(file.name) : '';
  const packing = /\.gz$/i.test(name) ? 'gzip' : /\.deflate$/i.test(name) ? 'deflate' : undefined;
  return packing ? new Response(file.stream().pipeThrough(new DecompressionStream(packing))) : file;
}

/** Cuts strings into records: lines, or whole strings where the options ask for those. */
function recordsOf(texts: readonly string[], { format, options }: StringFormat): { value: string }[] {
  const isWhole = optionOf(options, format === 'text' ? 'wholetext' : 'multiLine')?.toLowerCase() === 'true';
  if (isWhole) return texts.map((value) => ({ value }));
  const separator = optionOf(options, 'lineSep') ?? /\r\n|\r|\n/;
  const records: { value: string }[] = [];
  for (const text of texts) {
    const lines = text.split(separator);
    if (lines.at(-1) === '') lines.pop();
    for (const value of lines) if (value !== '' || format === 'text') records.push({ value });
  }
  return records;
}

/** Makes a relation of Arrow streams. */
export function tableOf(data: Uint8Array, schema?: string): Relation {
  return create(RelationSchema, { relType: { case: 'localRelation', value: { data, ...(schema !== undefined && { schema }) } } });
}

/** Makes the relation of strings in a format: each is a file, or what a page wrote at once. */
export function parsed(texts: readonly string[], as: StringFormat): Relation {
  const input = tableOf(encodeRows(recordsOf(texts, as), LINE));
  if (as.format === 'text') return input;
  const format = as.format === 'json' ? Parse_ParseFormat.JSON : Parse_ParseFormat.CSV;
  const schema = as.schema && (typeToMessage(as.schema) as MessageInitShape<typeof DataTypeSchema>);
  const value = { input, format, options: { ...as.options }, ...(schema && { schema }) };
  return create(RelationSchema, { relType: { case: 'parse', value } });
}
