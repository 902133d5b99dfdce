import { utf8 } from "../../base/wire.ts";
import { rangeRequest } from "../../proto/etcd.ts";
import { range } from "../rpc/kv/range.ts";
import type { MemberParts } from "../rpc/member.ts";

export interface Health {
  readonly healthy: boolean;
  readonly reason: string;
}

/** etcd's /health: alarms (NOSPACE may be excluded), a leader, and a read of a key named "health". */
export async function health(
  parts: MemberParts,
  options: { readonly excluded: readonly string[]; readonly serializable: boolean },
): Promise<Health> {
  for (const { alarm } of parts.alarms())
    if (!options.excluded.includes(String(alarm)))
      return { healthy: false, reason: `ALARM ${typeof alarm === "number" ? "UNKNOWN" : alarm}` };
  if (!options.serializable && parts.consensus.status.leader === 0n)
    return { healthy: false, reason: "RAFT NO LEADER" };
  const problem = await readProblem(parts, options.serializable);
  return problem === undefined
    ? { healthy: true, reason: "" }
    : { healthy: false, reason: `RANGE ERROR:${problem}` };
}

/** Answers its problem. */
export type Check = () => Promise<string | undefined>;

export const checkTypes = ["livez", "readyz"] as const;
export type CheckType = (typeof checkTypes)[number];

/** What /livez and /readyz look at, in the order in which they are told of. */
export function checksOf(parts: MemberParts): Readonly<Record<CheckType, ReadonlyMap<string, Check>>> {
  const corrupt = () => parts.alarms().some((alarm) => alarm.alarm === "CORRUPT");
  const serializable: Check = () => readProblem(parts, true);
  return {
    livez: new Map([["serializable_read", serializable]]),
    readyz: new Map<string, Check>([
      ["data_corruption", async () => (corrupt() ? "alarm activated: CORRUPT" : undefined)],
      ["serializable_read", serializable],
      ["linearizable_read", () => readProblem(parts, false)],
      ["non_learner", async () => (parts.members.isLearner() ? "not supported for learner" : undefined)],
    ]),
  };
}

async function readProblem(parts: MemberParts, serializable: boolean): Promise<string | undefined> {
  const request = rangeRequest.decode(rangeRequest.encode({ key: utf8("health"), serializable }));
  try {
    await new Promise((succeed, fail) =>
      range(request, parts, { requireLeader: false, isOwn: true }, { succeed, fail }),
    );
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
