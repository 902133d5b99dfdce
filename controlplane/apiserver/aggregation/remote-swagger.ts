import { swaggerPart } from "../openapi/merge-swagger.ts";
import { ask, jsonObject, type ProbeDeps, versionPath } from "./ask.ts";
import type { RemoteSwagger, RemoteVersion } from "./service-table.ts";

/** A remote server is asked for its document of OpenAPI v2 no more often than this, however often it is asked whether it is
 *  there. */
const fetchEveryMs = 60_000;

/** Its part of the document: what was fetched before, or what it says now. It need not have one. */
export async function remoteSwagger(
  remote: RemoteVersion,
  before: RemoteSwagger | undefined,
  { deps, signal }: { readonly deps: ProbeDeps; readonly signal: AbortSignal },
): Promise<RemoteSwagger | undefined> {
  const fetchedMs = deps.clock.monotonicMs();
  if (before !== undefined && fetchedMs - before.fetchedMs < fetchEveryMs) return before;
  const asked = { path: "/openapi/v2", accept: "application/json", known: before?.etag ?? "" };
  try {
    const { code, body, etag } = await ask(remote, asked, deps, signal);
    if (code === 304 && before !== undefined) return { ...before, fetchedMs };
    const part = code === 200 ? swaggerPart(jsonObject(body), versionPath(remote)) : undefined;
    return { fetchedMs, etag, part };
  } catch {
    return before === undefined ? undefined : { ...before, fetchedMs }; // it serves objects all the same
  }
}
