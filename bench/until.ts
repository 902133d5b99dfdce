/** Asks every so often until there is an answer; what `ask` throws says why there is none yet. Throws when it takes too long. */
export async function until<T>(
  ask: () => Promise<T>,
  limits: { readonly everyMs: number; readonly withinMs: number },
): Promise<T> {
  const deadlineMs = performance.now() + limits.withinMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > deadlineMs)
        throw new Error(
          `not within ${limits.withinMs / 1000} s: ${error instanceof Error ? error.message : error}`,
        );
    }
    await new Promise((resolve) => setTimeout(resolve, limits.everyMs));
  }
}
