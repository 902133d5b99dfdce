import type { IncomingMessage } from "node:http";
import type { User } from "../filters/authentication.ts";

/** Who sends a request that comes from this process and over no connection. What holds it is the request itself, which nothing
 *  that comes from outside can make. */
const senders = new WeakMap<IncomingMessage, User>();

/** Says who sends a request, for a caller in this process that need not show anything. */
export function sentLocallyBy(request: IncomingMessage, user: User): void {
  senders.set(request, user);
}

/** Undefined: the request came from outside, and must show who sends it. */
export function localSender(request: IncomingMessage): User | undefined {
  return senders.get(request);
}
