import type { AlarmRequest } from "../../../proto/etcd.ts";
import type { AlarmMember, AlarmResponse } from "../../../proto/etcd-maintenance.ts";
import type { AlarmAnswer } from "../../apply/apply-request.ts";
import type { Call } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";
import { StatusError } from "../status.ts";

/** Changes go through the log; looking needs only a linearizable read. */
export async function alarm(
  request: AlarmRequest,
  bytes: Uint8Array,
  { parts, call }: { readonly parts: MemberParts; readonly call: Call },
): Promise<AlarmResponse> {
  if (request.action === "GET") await parts.access.requireUser(call);
  else await parts.access.requireRoot(call);
  if (typeof request.action === "number")
    throw new StatusError("INVALID_ARGUMENT", `etcdserver: unknown alarm action ${request.action}`);
  const matches = (one: AlarmMember) =>
    (request.alarm === "NONE" || one.alarm === request.alarm) &&
    (request.memberId === 0n || one.memberId === request.memberId);
  if (request.action === "GET") {
    await parts.reads.ready();
    return { header: header(parts), alarms: parts.alarms().filter(matches) };
  }
  const { response, revision } = await parts.proposer.propose("alarm", bytes);
  return { header: header(parts, revision), alarms: (response as AlarmAnswer).alarms };
}
