import { id64, message, type Of, repeated, string, uint32 } from "../../../base/protobuf.ts";
import { checkMemberUrl } from "../../membership/initial-cluster.ts";
import type { MemberId } from "../../raft/types.ts";

/** Raised when frames or messages change their meaning. */
export const protocolVersion = 1;

/** The first frame of a connection. */
export const hello = message({
  protocol: uint32(1),
  clusterId: id64(2),
  from: id64(3),
  to: id64(4),
  /** `messages`, `snapshot`, or `members`: a question of one who does not know its cluster yet. */
  purpose: string(5),
  serverVersion: string(6),
  /** Where the one who says it can be reached, by members that do not know it yet or know it by other addresses. */
  peerUrls: repeated(string(7)),
});
export type Hello = Of<typeof hello>;

const purposes: ReadonlySet<string> = new Set(["messages", "snapshot", "members"]);

/** Why a connection is refused, in words for the other side's log; undefined when it is welcome. */
export function helloProblem(
  given: Hello,
  self: { readonly clusterId: bigint; readonly memberId: MemberId },
  isRemoved: (id: MemberId) => boolean,
): string | undefined {
  if (given.protocol !== protocolVersion)
    return `this member speaks peer protocol ${protocolVersion}, not ${given.protocol}`;
  if (!purposes.has(given.purpose))
    return `a connection for ${JSON.stringify(given.purpose.slice(0, 40))} is of no use here`;
  if (given.purpose === "members") return undefined;
  if (given.clusterId !== self.clusterId)
    return `cluster ID mismatch: this member is of cluster ${self.clusterId.toString(16)}, not ${given.clusterId.toString(16)}`;
  if (given.to !== self.memberId)
    return `this is member ${self.memberId.toString(16)}, not ${given.to.toString(16)}; check --initial-cluster and the peer URLs`;
  const noUrl = given.peerUrls.find((url) => !isPeerUrl(url));
  if (noUrl !== undefined) return `${JSON.stringify(noUrl.slice(0, 100))} is no peer URL`;
  if (given.from === 0n || given.from === self.memberId)
    return `member ${given.from.toString(16)} cannot be a peer of ${self.memberId.toString(16)}`;
  return isRemoved(given.from) ? removedText : undefined;
}

function isPeerUrl(text: string): boolean {
  try {
    return checkMemberUrl(text) === text;
  } catch {
    return false;
  }
}

/** What a member hears that was taken out of the cluster and does not know it yet. */
export const removedText = "the member has been permanently removed from the cluster";

/** What a member hears whose certificate is not one of those that are allowed; etcd's operators look for it. */
export const badCertificateText = "remote error: tls: bad certificate";
