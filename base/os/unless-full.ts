/** Whether an operation failed as the disk, or somebody's share of it, is full. */
export const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");

/** Waits for a write that may be left undone where the disk is full: answers whether it was done. Every other failure stays one. */
export async function unlessFull(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (isDiskFull(error)) return false;
    throw error;
  }
}
