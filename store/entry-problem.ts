import { type LoggedRequest, loggedRequest } from "./apply/logged-request.ts";
import { decodeConfChange } from "./driver/conf-change-wire.ts";
import { PeerInputError } from "./driver/peer-input.ts";
import { readMemberJson } from "./membership/member.ts";
import type { Entry, Message } from "./raft/types.ts";

/** Entries that other members send end up in every log and are applied everywhere; one that cannot be read would stop every
 *  member, at every start anew. So none gets in. Throws PeerInputError. */
export function checkEntries({ type, from, entries }: Message): void {
  for (const entry of entries) {
    const problem = entryProblem(entry);
    if (problem !== undefined)
      throw new PeerInputError(`${type} of member ${from.toString(16)}, entry ${entry.index}: ${problem}`);
  }
}

/** Why an entry cannot be applied; undefined when it can. */
export function entryProblem(entry: Entry): string | undefined {
  try {
    if (entry.type === "confChange") return confChangeProblem(entry.data);
    // A leader begins its term with an empty entry.
    if (entry.data.length === 0) return undefined;
    const request = loggedRequest(entry);
    if (request === undefined)
      return "it holds a request of an unknown kind; is that member of a newer version?";
    return holdsPassword(request)
      ? "it holds a password, as those of etcd before 3.5 do, in place of its hash"
      : undefined;
  } catch (error) {
    return `it cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Hashing it is not for whoever applies it: each would make another hash. */
function holdsPassword(request: LoggedRequest): boolean {
  if (request.kind !== "authUserAdd" && request.kind !== "authUserChangePassword") return false;
  return request.body.password !== "" && request.body.hashedPassword === "";
}

function confChangeProblem(data: Uint8Array): string | undefined {
  const { type, nodeId, context } = decodeConfChange(data);
  if (nodeId === 0n) return "a membership change that names nobody";
  if (type !== "removeNode") readMemberJson(context);
  return undefined;
}
