import type { Os } from "../../base/os/os.ts";
import { openStoreClient } from "../client/open-client.ts";
import type { MemberId } from "../raft/types.ts";
import type { Discovery } from "./flags.ts";
import { discoverBySrv, systemSrvLookup } from "./srv.ts";
import { discoverByToken } from "./token.ts";

export interface Newcomer {
  readonly name: string;
  readonly memberId: MemberId;
  readonly peerUrls: readonly string[];
}

/** `name=url` of a cluster's first members, this one among them. */
export async function discoverMembers(
  discovery: Discovery,
  { name, memberId, peerUrls }: Newcomer,
  os: Pick<Os, "clock" | "random" | "log">,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const log = os.log.child("discovery");
  if (discovery.kind === "srv")
    return await discoverBySrv({ ...discovery, name, peerUrls }, { lookup: systemSrvLookup, log });
  const { endpoints, requestMs, tls, token } = discovery;
  const client = openStoreClient({ endpoints, timeoutMs: requestMs, tls }, os);
  try {
    const self = peerUrls.map((url) => `${name}=${url}`).join(",");
    return await discoverByToken({ token, memberId, self }, { client, ...os, log, signal });
  } finally {
    client.close();
  }
}
