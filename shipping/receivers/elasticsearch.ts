import type { ItemVerdict, Verdict } from "../core/verdict.ts";
import type { LogRecord } from "../record.ts";
import type { Access } from "./access.ts";
import { type ElasticsearchShape, elasticsearchBody } from "./elasticsearch-body.ts";
import { HttpPost, type HttpReply, shownText, verdictOfStatus } from "./http-post.ts";
import type { Receiver } from "./receiver.ts";

/** Only what is read of the answer: with a thousand records it is long. */
const path = "/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason";

/** Elasticsearch, OpenSearch, and what takes their bulk requests. */
export function elasticsearchReceiver(access: Access, shape: ElasticsearchShape): Receiver {
  const http = new HttpPost(access);
  return {
    async send(records: readonly LogRecord[], signal: AbortSignal) {
      const body = elasticsearchBody(records, shape);
      const reply = await http.post(path, body, { contentType: "application/x-ndjson", signal });
      return bulkVerdict(reply, records.length);
    },
    close: async () => http.close(),
  };
}

/** What an answer to a bulk request of so many records means. */
export function bulkVerdict(reply: HttpReply, count: number): Verdict {
  const overall = verdictOfStatus(reply);
  if (overall.kind !== "taken") return overall;
  let answer: { readonly errors?: unknown; readonly items?: unknown };
  try {
    answer = JSON.parse(reply.body.toString("utf8"));
  } catch {
    return { kind: "later", why: `no answer of a bulk request: ${shownText(reply.body.toString("utf8"))}` };
  }
  if (answer.errors === false) return overall;
  const { items } = answer;
  if (!Array.isArray(items) || items.length !== count)
    return { kind: "later", why: "the answer does not say what became of each record" };
  return { kind: "each", items: items.map(itemVerdict) };
}

function itemVerdict(item: unknown): ItemVerdict {
  const { status, error } = (Object.values(item ?? {})[0] ?? {}) as {
    readonly status?: unknown;
    readonly error?: { readonly type?: unknown; readonly reason?: unknown };
  };
  if (typeof status !== "number") return { kind: "later", why: "a record's status is not said" };
  // 409: it was created before.
  if ((status >= 200 && status < 300) || status === 409) return { kind: "taken" };
  const why = shownText(`${status} ${error?.type ?? ""}: ${error?.reason ?? ""}`);
  return status === 400 ? { kind: "refused", why } : { kind: "later", why };
}
