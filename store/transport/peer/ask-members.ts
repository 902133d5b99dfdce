import { type MembersResponse, membersResponse } from "../../../proto/etcd-cluster.ts";
import type { PortTls } from "../tls/port-tls.ts";
import { askOnce } from "./ask-once.ts";

/** Asks a running member who belongs to its cluster; for one that was added and does not know its own id yet. */
export async function askMembers(
  url: string,
  serverVersion: string,
  tls: PortTls | undefined,
): Promise<MembersResponse> {
  const self = { clusterId: 0n, from: 0n, peerUrls: [], serverVersion, tls };
  const options = { ...self, to: 0n, purpose: "members" } as const;
  return membersResponse.decode(await askOnce(url, options, { kind: "members", id: 0n }));
}
