import { isConflict, isNotFound } from "../../../client/api-error.ts";
import type { Meta } from "../../../client/types.ts";

export function withFinalizers<T extends { readonly metadata: Meta }>(
  object: T,
  finalizers: readonly string[],
): T {
  return { ...object, metadata: { ...object.metadata, finalizers: [...finalizers] } };
}

/** Whoever was faster brings us back by an event. */
export async function unlessChanged(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
