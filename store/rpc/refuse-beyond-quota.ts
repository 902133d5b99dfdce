import { StoreError } from "../errors.ts";
import type { MemberParts } from "./member.ts";

/** Raises the alarm that stops the whole cluster from growing; rejects with NO_SPACE. */
export async function refuseBeyondQuota(parts: MemberParts): Promise<never> {
  const raised = parts
    .alarms()
    .some((alarm) => alarm.memberId === parts.memberId && alarm.alarm === "NOSPACE");
  if (!raised)
    await parts.proposer.propose("alarm", { action: "ACTIVATE", memberId: parts.memberId, alarm: "NOSPACE" });
  throw new StoreError("NO_SPACE");
}
