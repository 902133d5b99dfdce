import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, every } from "../../base/os/clock.ts";
import { drained } from "../../base/os/drained.ts";
import { regexProblem } from "../../client/logs/compile-regex.ts";
import { type SearchRecord, searchContentType } from "../../client/logs/search-records.ts";
import { parseSearchRequest } from "../../client/logs/search-request.ts";
import { type NodeSearches, TooManySearches } from "./node-searches.ts";

/** Below what is for who may read the node's own logs (`nodes/log`). */
export const searchPath = "/logs/search";
/** Audit logs are for who may do everything on the node (`nodes/proxy`): the API server, which asks each person for a right of its
 *  own. */
export const auditSearchPath = "/audit/search";

const aliveMs = 2_000;
const alive = `${JSON.stringify({ alive: { searchedBytes: 0 } } satisfies SearchRecord)}\n`;

/** GET /logs/search, and /audit/search for audit logs: what `client/logs/README.md` says, of this node. */
export async function serveSearch(
  request: Pick<IncomingMessage, "method">,
  answer: ServerResponse,
  url: URL,
  { searches, clock }: { readonly searches: NodeSearches; readonly clock: Clock },
): Promise<void> {
  const say = (code: number, text: string) =>
    void answer.writeHead(code, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
  if (request.method !== "GET") return say(405, "only GET is answered");
  const nowMs = clock.wallMs();
  const read = parseSearchRequest(url.searchParams, nowMs);
  if ("problem" in read) return say(400, `${read.problem.parameter}: ${read.problem.message}`);
  const isOfAudit = read.request.source === "audit";
  if (isOfAudit !== (url.pathname === auditSearchPath))
    return say(400, `source: audit logs, and these alone, are searched at ${auditSearchPath}`);
  const regex = regexProblem(read.request.query);
  if (regex !== undefined) return say(400, `query: column ${regex.column}: ${regex.message}`);
  const abort = new AbortController();
  const gone = () => abort.abort(new Error("who asked is gone"));
  answer.once("close", gone);
  const search = { params: url.searchParams.toString(), nowMs, isFollowing: read.request.follow };
  const lines = searches.search(search, abort.signal);
  // Whoever waits for a turn, or for what is seldom, hears that there is somebody.
  const cancel = every(clock, aliveMs, () => {
    if (!answer.headersSent) answer.writeHead(200, { "content-type": searchContentType });
    if (!answer.writableNeedDrain) answer.write(alive);
  });
  try {
    for await (const piece of lines) {
      if (!answer.headersSent) answer.writeHead(200, { "content-type": searchContentType });
      answer.write(piece);
      await drained(answer);
    }
    answer.end();
  } catch (error) {
    if (abort.signal.aborted) return;
    if (answer.headersSent) answer.destroy();
    else if (error instanceof TooManySearches) say(429, error.message);
    else throw error;
  } finally {
    cancel();
    answer.off("close", gone);
  }
}
