/** Does `count` things in batches of 1, 2, 4, … at once, and stops after the batch in which one failed: a hundred
 *  pods that a quota refuses cost one refusal. Returns how many succeeded and the first failure. */
export async function slowStart(
  count: number,
  act: (index: number) => Promise<void>,
): Promise<{ readonly succeeded: number; readonly error: unknown }> {
  let done = 0;
  let size = 1;
  while (done < count) {
    const batch = Math.min(size, count - done);
    const results = await Promise.allSettled(Array.from({ length: batch }, (_, i) => act(done + i)));
    const failed = results.filter((result) => result.status === "rejected");
    if (failed.length > 0) return { succeeded: done + batch - failed.length, error: failed[0]?.reason };
    done += batch;
    size = Math.min(size * 2, batchMost);
  }
  return { succeeded: done, error: undefined };
}

const batchMost = 64;
