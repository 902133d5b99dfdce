import { driverLimits } from "./driver/config.ts";
import { type RaftLimits, raftLimits } from "./raft/config.ts";

/** How much of the log is kept for members that fall behind: the number of entries that was chosen, but for who catches up after it
 *  was sent the state; with the default also what those lack that are away for a short time. */
export function logKept({ catchUpEntries }: { readonly catchUpEntries: number }): {
  readonly catchUpEntries: number;
  readonly raft?: RaftLimits;
} {
  if (catchUpEntries === driverLimits.catchUpEntries) return { catchUpEntries };
  return { catchUpEntries, raft: { ...raftLimits, silentChecksMax: 0 } };
}
