/**
 * Runs `count` equal tasks in batches that double while all succeed, so that a quota or a broken template meets one call and
 * not hundreds. Answers how many succeeded and the first failure; what comes after the failing batch is not begun.
 */
export async function slowStart(
  count: number,
  initialBatch: number,
  task: () => Promise<void>,
): Promise<{ readonly succeeded: number; readonly failure: Error | undefined }> {
  let succeeded = 0;
  let begun = 0;
  for (let batch = Math.min(initialBatch, count); batch > 0; batch = Math.min(batch * 2, count - begun)) {
    begun += batch;
    const results = await Promise.allSettled(Array.from({ length: batch }, task));
    succeeded += results.filter(({ status }) => status === 'fulfilled').length;
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) return { succeeded, failure: asError(failed.reason) };
  }
  return { succeeded, failure: undefined };
}

/** What was thrown, as an Error. */
export const asError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new Error(String(reason));

/** Runs a task for each item, at most `parallel` at a time. Rejects with the first failure after all that began have ended. */
export async function forEachParallel<T>(
  items: readonly T[],
  parallel: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const failures: Error[] = [];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined && failures.length === 0; item = waiting.shift()) {
      try {
        await task(item);
      } catch (error) {
        failures.push(asError(error));
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker));
  const [first] = failures;
  if (first !== undefined) throw first;
}
