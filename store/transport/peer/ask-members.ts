import { type MembersResponse, membersResponse } from "../../../proto/etcd-cluster.ts";
import { askOnce } from "./ask-once.ts";
import type { DialOptions } from "./dial.ts";

/** Asks a running member who belongs to its cluster; for one that was added and does not know its own id yet. */
export async function askMembers(
  url: string,
  serverVersion: string,
  { tls, clock }: Pick<DialOptions, "tls" | "clock">,
): Promise<MembersResponse> {
  const self = { clusterId: 0n, from: 0n, peerUrls: [], serverVersion, tls, clock };
  const options = { ...self, to: 0n, purpose: "members" } as const;
  return membersResponse.decode(await askOnce(url, options, { kind: "members", id: 0n }));
}
