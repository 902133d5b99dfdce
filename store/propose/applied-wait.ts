import type { Clock } from "../../base/os/clock.ts";
import type { StateReader } from "../apply/types.ts";
import type { Index } from "../raft/types.ts";

/** Waits until this member has applied the log up to an index that a client names: at most as long as a request may take, and
 *  while the client waits. Undefined where it has. Never rejects: who waited looks whether what it looks for is there. */
export function appliedOrGivenUp(
  state: Pick<StateReader, "appliedIndex" | "waitApplied">,
  clock: Pick<Clock, "after">,
  timeoutMs: number,
): (index: Index, call: { readonly signal?: AbortSignal }) => Promise<void> | undefined {
  return (index, call) => (index <= state.appliedIndex ? undefined : waited(index, call.signal));

  async function waited(index: Index, client: AbortSignal | undefined): Promise<void> {
    const giveUp = new AbortController();
    const cancel = clock.after(timeoutMs, () => giveUp.abort());
    const signal = client === undefined ? giveUp.signal : AbortSignal.any([client, giveUp.signal]);
    await state.waitApplied(index, signal).catch(() => undefined); // what is looked for is then not there
    cancel();
  }
}
