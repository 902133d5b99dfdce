import { type Clock, sleep } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import { unlessAborted } from "../../../base/unless-aborted.ts";
import type { Storage } from "./storage.ts";

const key = "compact_rev_key";
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Keeps the store's history to one or two intervals. Of several API servers the one whose write of the shared key
 *  comes first compacts; the key and the rule are Kubernetes' own, so that both can share a store. */
export async function compactRegularly(
  deps: { readonly storage: Storage; readonly clock: Clock; readonly log: Log; readonly intervalMs: number },
  signal: AbortSignal,
): Promise<void> {
  let known = { modRevision: 0, revision: 0 };
  while (!signal.aborted) {
    try {
      known = await unlessAborted(compactOnce(deps.storage, known), signal);
    } catch (error) {
      if (signal.aborted) return;
      deps.log.warn("compaction failed", { error });
    }
    await sleep(deps.clock, deps.intervalMs, signal);
  }
}

interface Mark {
  readonly modRevision: number;
  /** The store's revision when the mark was made. */
  readonly revision: number;
}

/** Compacts to where the store was one interval ago, if nobody else did since. Returns what to hand in next time. */
export async function compactOnce(storage: Storage, known: Mark): Promise<Mark> {
  const revision = await storage.revision();
  const result = await storage.commit({
    compare: [{ key, modRevision: known.modRevision }],
    writes: [{ type: "put", key, value: encoder.encode(String(revision)) }],
  });
  if (result.ok) {
    if (known.revision > 0) await storage.compact(known.revision);
    return { modRevision: result.revision, revision };
  }
  const entry = result.current[0];
  const written = Number(decoder.decode(entry?.value ?? new Uint8Array(0)));
  return { modRevision: entry?.modRevision ?? 0, revision: Number.isSafeInteger(written) ? written : 0 };
}
