import { StatusError } from "../../../base/grpc/status.ts";
import type { AlarmRequest } from "../../../proto/etcd.ts";
import type { AlarmResponse } from "../../../proto/etcd-maintenance.ts";
import type { AlarmAnswer } from "../../apply/apply-request.ts";
import type { Call } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

/** Changes go through the log; looking needs only a linearizable read. All members' alarms of the kind are told, whichever member
 *  is named, as by etcd. */
export async function alarm(
  request: AlarmRequest,
  bytes: Uint8Array,
  { parts, call }: { readonly parts: MemberParts; readonly call: Call },
): Promise<AlarmResponse> {
  if (request.action === "GET") await parts.access.requireUser(call);
  else await parts.access.requireRoot(call);
  if (typeof request.action === "number")
    throw new StatusError("INVALID_ARGUMENT", `etcdserver: unknown alarm action ${request.action}`);
  if (request.action === "GET") {
    await parts.reads.ready();
    const isMeant = (alarm: AlarmRequest["alarm"]) => request.alarm === "NONE" || alarm === request.alarm;
    return { header: header(parts), alarms: parts.alarms().filter(({ alarm }) => isMeant(alarm)) };
  }
  const { response, revision } = await parts.proposer.propose("alarm", bytes);
  return { header: header(parts, revision), alarms: (response as AlarmAnswer).alarms };
}
