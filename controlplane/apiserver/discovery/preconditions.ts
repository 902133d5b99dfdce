import type { IncomingHttpHeaders } from "node:http";

export interface Known {
  /** Without quotes; empty where there is none. */
  readonly etag: string;
  readonly modifiedMs: number;
}

export interface Verdict {
  readonly verdict: "send" | "unchanged" | "failed";
  /** The parts that are asked for, as the header has them; empty for all. */
  readonly range: string;
}

/** What a request says of what its client has already (RFC 9110, section 13). Pure; as Go reads the headers. */
export function preconditions(
  { method, headers }: { readonly method: string; readonly headers: IncomingHttpHeaders },
  known: Known,
): Verdict {
  const reads = method === "GET" || method === "HEAD";
  const modifiedMs = Math.floor(known.modifiedMs / 1000) * 1000;
  const isSince = (text: string | undefined) => {
    const sinceMs = httpTimeMs(text);
    return sinceMs === undefined ? undefined : modifiedMs > sinceMs;
  };
  const matched = headers["if-match"];
  const holds =
    matched === undefined || matched === ""
      ? isSince(headers["if-unmodified-since"]) !== true
      : names(matched).some((one) => one === "*" || one === strong(known));
  if (!holds) return { verdict: "failed", range: "" };
  const absent = headers["if-none-match"];
  if (absent !== undefined && absent !== "") {
    if (names(absent).some((one) => one === "*" || one.replace(/^W\//, "") === strong(known)))
      return { verdict: reads ? "unchanged" : "failed", range: "" };
  } else if (reads && isSince(headers["if-modified-since"]) === false)
    return { verdict: "unchanged", range: "" };
  const { range = "" } = headers;
  return { verdict: "send", range: reads && !isSame(headers["if-range"], known) ? "" : range };
}

/** Whether the parts that a client has are of what there is. */
function isSame(text: unknown, known: Known): boolean {
  if (typeof text !== "string" || text === "") return true;
  if (/^(W\/)?"/.test(text)) return text === strong(known);
  const atMs = httpTimeMs(text);
  return atMs !== undefined && Math.floor(atMs / 1000) === Math.floor(known.modifiedMs / 1000);
}

/** What has no name is not what anybody names. */
const strong = ({ etag }: Known) => (etag === "" ? undefined : `"${etag}"`);

const names = (list: string) => list.split(",").map((one) => one.trim());

/** As HTTP writes times; other forms are no time. */
function httpTimeMs(text: string | undefined): number | undefined {
  if (text === undefined || !/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text))
    return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
