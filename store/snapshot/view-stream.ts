import type { View } from "../backend/backend.ts";

/** What is read from a view, and the way to let go of it. A generator that nobody begins to read never gets to its `finally`; so
 *  whoever opened the stream releases it, however reading went. */
export interface ViewStream {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Closes the view. Idempotent; nobody reads any more. */
  release(): Promise<void>;
}

export function viewStream(view: View, read: (view: View) => AsyncIterable<Uint8Array>): ViewStream {
  let closing: Promise<void> | undefined;
  const release = () => {
    closing ??= view.close();
    return closing;
  };
  const chunks = async function* () {
    try {
      yield* read(view);
    } finally {
      await release();
    }
  };
  return { chunks: chunks(), release };
}
