import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../../base/os/clock.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { CallError } from "../../../store/client/call-error.ts";
import { openStoreClient } from "../../../store/client/open-client.ts";

export interface CompactingClient {
  /** Compactions that were answered. */
  readonly done: () => number;
  stop(): Promise<void>;
}

/** A client that drops all history but the newest revisions, again and again, as API servers do. Members would never come to it:
 *  the time after which they compact by themselves begins anew with each start. Without it small disks fill up. */
export function startCompacting(
  endpoints: readonly string[],
  options: { readonly keptRevisions: number; readonly everyMs: number },
): CompactingClient {
  const client = openStoreClient(
    { endpoints, timeoutMs: 3_000 },
    { clock: systemClock, random: systemRandom },
  );
  const ended = new AbortController();
  let done = 0;
  const compact = async () => {
    const { revision } = await client.get("any");
    const upTo = revision - options.keptRevisions;
    if (upTo <= 0) return;
    await client.compact(upTo);
    done++;
  };
  const run = async () => {
    while (!ended.signal.aborted) {
      await compact().catch((error: unknown) => {
        if (!(error instanceof CallError)) throw error; // nobody led, or a call was sent twice
      });
      await sleep(options.everyMs, undefined, { signal: ended.signal }).catch(() => undefined);
    }
    client.close();
  };
  const running = run();
  return {
    done: () => done,
    async stop() {
      ended.abort();
      await running;
    },
  };
}
