import type { FileSource } from '../files/registry.js';
import { planOf, type Context, type Plan } from './plan.js';

/** What a reader has been told so far. */
export interface ReadSettings { format?: string; schema?: string; options: Record<string, string> }

/** The plan of a data source over files or URLs of the page, paths of the engine, or nothing. */
export function loadPlan(context: Context, read: ReadSettings, sources: readonly FileSource[], isStreaming: boolean): Plan {
  const { paths, ready } = context.files.register(sources, isStreaming);
  const plan = planOf(context, {
    case: 'read',
    value: { isStreaming, readType: { case: 'dataSource', value: { format: read.format, schema: read.schema, options: read.options, paths } } },
  });
  return { ...plan, needs: sources.length === 0 ? [] : [ready] };
}
