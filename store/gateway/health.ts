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

export interface Check {
  readonly name: string;
  readonly run: () => Promise<string | undefined>;
}

/** What /livez and /readyz look at; a check answers its problem. */
export function checks(parts: MemberParts, path: "livez" | "readyz"): readonly Check[] {
  const corrupt = () => parts.alarms().some((alarm) => alarm.alarm === "CORRUPT");
  const serializable = { name: "serializable_read", run: () => readProblem(parts, true) };
  if (path === "livez") return [serializable];
  return [
    { name: "data_corruption", run: async () => (corrupt() ? "alarm activated: CORRUPT" : undefined) },
    serializable,
    { name: "linearizable_read", run: () => readProblem(parts, false) },
    {
      name: "non_learner",
      run: async () => (parts.members.isLearner() ? "not supported for learner" : undefined),
    },
  ];
}

async function readProblem(parts: MemberParts, serializable: boolean): Promise<string | undefined> {
  const request = rangeRequest.decode(rangeRequest.encode({ key: utf8("health"), serializable }));
  try {
    await new Promise((succeed, fail) => range(request, parts, { requireLeader: false }, { succeed, fail }));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
