/** Waits until all of it is over, whatever becomes of each, so that nothing goes on when it is tried again. Rejects with the first
 *  in the list that failed. */
export async function together(works: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(works)) if (result.status === "rejected") throw result.reason;
}
