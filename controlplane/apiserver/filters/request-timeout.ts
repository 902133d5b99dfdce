import { readGoDuration } from "../../../client/rules/go-duration.ts";
import { badRequest } from "../api-error.ts";

/** How long a request that is no watch may take. */
export const requestTimeoutMs = 60_000;

/** The time a request has: the `timeout` that its query names, at most what any request has. Fails with 400. Pure. */
export function timeoutOf(query: URLSearchParams): number {
  const text = query.get("timeout") ?? "";
  if (text === "") return requestTimeoutMs;
  const read = readGoDuration(text);
  if (!read.ok) throw badRequest(`invalid timeout specified in the request URL - ${read.problem}`);
  const askedMs = read.nanoseconds / 1e6;
  return askedMs > 0 && askedMs < requestTimeoutMs ? askedMs : requestTimeoutMs;
}
