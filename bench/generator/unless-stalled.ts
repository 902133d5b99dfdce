const stalledMs = 30_000;

/** Waits for something that goes on little by little. Rejects where nothing happened for half a minute.
 *  @param lastMs When something happened last, by performance.now().
 *  @param missing What does not come. */
export async function unlessStalled(
  done: Promise<void>,
  lastMs: () => number,
  missing: () => string,
): Promise<void> {
  let check: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_, reject) => {
    check = setInterval(() => {
      if (performance.now() - lastMs() > stalledMs)
        reject(new Error(`${missing()} for ${stalledMs / 1000} s`));
    }, 1000);
  });
  try {
    await Promise.race([done, stalled]);
  } finally {
    clearInterval(check);
  }
}
