/** Runs tasks, at most `limit` at a time; results in the order of the tasks. @internal */
export async function inParallel<R>(tasks: readonly (() => Promise<R>)[], limit: number): Promise<R[]> {
  const results: R[] = [];
  const queue = tasks.entries();
  const worker = async () => {
    for (const [index, task] of queue) results[index] = await task();
  };
  await Promise.all(Array.from({ length: Math.min(limit, tasks.length) }, worker));
  return results;
}
