import { message, type Of, string } from "../../../base/protobuf.ts";
import { askOnce } from "./ask-once.ts";
import type { DialOptions } from "./dial.ts";

/** What a member answers to the question "version". */
export const memberVersions = message({
  /** Of its program. */
  server: string(1),
  /** What its cluster agreed on; empty: nothing yet. */
  cluster: string(2),
  /** Where its cluster is on the way to an older version. */
  downgradeTarget: string(3),
});
export type MemberVersions = Of<typeof memberVersions>;

/** Asks a running member; for one that is about to join its cluster. */
export async function askVersions(
  url: string,
  serverVersion: string,
  { tls, clock }: Pick<DialOptions, "tls" | "clock">,
): Promise<MemberVersions> {
  const self = { clusterId: 0n, from: 0n, peerUrls: [], serverVersion, tls, clock };
  const options = { ...self, to: 0n, purpose: "members" } as const;
  return memberVersions.decode(await askOnce(url, options, { kind: "version", id: 0n }));
}
