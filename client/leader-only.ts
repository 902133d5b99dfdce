import type { ApiClient, CallOptions } from "./api.ts";
import { ConnectionError, isLeaseNotHeld } from "./api-error.ts";
import type { HeldLease } from "./held-lease.ts";
import type { Term } from "./leader-election.ts";
import type { RestClient } from "./rest.ts";

/** In what a leader's writes are made. */
export interface WritingTerm extends Pick<Term, "isCurrent" | "lost"> {
  /** Absent: of one that leads without an election. */
  readonly heldLease?: HeldLease;
}

/** Of one that leads without an election, as long as it lives. */
export const unelected: WritingTerm = { isCurrent: () => true, lost: () => {} };

/** The same client for a leader, whose writes are refused from the moment the term ends: here, and, since each says under which
 *  Lease it was decided, by the server where it arrives later than that. What was decided under an old lease must not be done
 *  under another's.
 *  @param term The one that lasts, asked at each write; undefined: none does.
 *  @param signal Ends requests under way. */
export function leaderOnly(
  client: ApiClient,
  term: () => WritingTerm | undefined,
  signal?: AbortSignal,
): ApiClient {
  const ending = <O extends CallOptions>(options: O | undefined) =>
    (signal === undefined ? options : { signal, ...options }) as O;
  const write = <O extends CallOptions, T>(options: O | undefined, send: (options: O) => Promise<T>) =>
    writeInTerm(term(), ending(options), send);
  return {
    get: (resource, ref, options) => client.get(resource, ref, ending(options)),
    list: (resource, options) => client.list(resource, ending(options)),
    watch: (resource, options, until) => client.watch(resource, options, until),
    create: (resource, object, options) => write(options, (all) => client.create(resource, object, all)),
    update: (resource, object, options) => write(options, (all) => client.update(resource, object, all)),
    updateStatus: (resource, object, options) =>
      write(options, (all) => client.updateStatus(resource, object, all)),
    patch: (resource, ref, body, options) => write(options, (all) => client.patch(resource, ref, body, all)),
    delete: (resource, ref, options) => write(options, (all) => client.delete(resource, ref, all)),
    deleteCollection: (resource, options) => write(options, (all) => client.deleteCollection(resource, all)),
    createSubresource: (resource, ref, subresource, body, options) =>
      write(options, (all) => client.createSubresource(resource, ref, subresource, body, all)),
  };
}

/** A client that takes requests of any path, too. */
export type AnyClient = ApiClient & Pick<RestClient, "raw">;

/** The client of one term, `leaderOnly` of all that it sends. */
export function termClient(client: AnyClient, term: WritingTerm, signal?: AbortSignal): AnyClient {
  return {
    ...leaderOnly(client, () => term, signal),
    raw: (method, path, body, options) => {
      const ending = { ...(signal && { signal }), ...options };
      if (method === "GET") return client.raw(method, path, body, ending);
      return writeInTerm(term, ending, (all) => client.raw(method, path, body, all));
    },
  };
}

const notLeader = "no longer the leader";

/** Sends one write of a term. Fails with a ConnectionError, and nothing is done, where the term has ended. */
async function writeInTerm<O extends CallOptions, T>(
  term: WritingTerm | undefined,
  options: O,
  send: (options: O) => Promise<T>,
): Promise<T> {
  if (term?.isCurrent() !== true) throw new ConnectionError(notLeader, { neverSent: true });
  const { heldLease } = term;
  try {
    return await send(heldLease === undefined ? options : { ...options, heldLease });
  } catch (error) {
    if (!isLeaseNotHeld(error)) throw error;
    term.lost();
    throw new ConnectionError(notLeader, { neverSent: true, cause: error });
  }
}
