import { randomUUID } from "node:crypto";
import type { ClientRequest } from "./client-request.ts";
import type { ForwardSettings, HeaderEdits } from "./route.ts";

/** Headers on their way through: those of one connection stay behind, and what a client says about where it comes from is replaced
 *  by what is known here. */

const ofOneConnection: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

/** Said by us, or by nobody. */
const ours: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "expect",
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-prefix",
  "x-forwarded-proto",
  "x-forwarded-scheme",
  "x-forwarded-server",
  "x-forwarded-ssl",
  "x-original-forwarded-for",
  "x-original-uri",
  "x-original-url",
  "x-real-ip",
  "x-rewrite-url",
  "x-scheme",
  // A variable of this name has programs send their own requests elsewhere.
  "proxy",
]);

/** What else the client's `Connection` keeps to its connection. */
export function namedByConnection(headers: Iterable<readonly [string, string]>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [name, value] of headers)
    if (name === "connection") for (const one of value.split(",")) names.add(one.trim().toLowerCase());
  return names;
}

/** A server of the CGI kind cannot tell `x_real_ip` from `x-real-ip`. */
const isOurs = (name: string) =>
  ours.has(name) || (name.includes("_") && ours.has(name.replaceAll("_", "-")));

const requestIdPattern = /^[-A-Za-z0-9._]{1,128}$/;

/** Names and values by turns, as Node's client takes them; without those that frame the body. */
export function upstreamHeaders(request: ClientRequest, settings: ForwardSettings): string[] {
  const { authority, host, clientAddress, front } = request;
  const scheme = front.isTls ? "https" : "http";
  const left = namedByConnection(request.headers);
  const sent: string[] = ["host", settings.host ?? authority];
  const cookies: string[] = [];
  let requestId: string | undefined;
  let takesTrailers = false;
  for (const [name, value] of request.headers) {
    if (name === "te") takesTrailers ||= /(^|[,\s])trailers\s*(,|$)/i.test(value);
    if (ofOneConnection.has(name) || left.has(name) || isOurs(name)) continue;
    if (name === "cookie") cookies.push(value);
    else if (name === "x-request-id") requestId ??= requestIdPattern.test(value) ? value : undefined;
    else sent.push(name, value);
  }
  // HTTP/2 may cut it into pieces.
  if (cookies.length > 0) sent.push("cookie", cookies.join("; "));
  if (takesTrailers && settings.protocol.startsWith("grpc")) sent.push("te", "trailers");
  sent.push("x-request-id", requestId ?? randomUUID().replaceAll("-", ""));
  sent.push("x-real-ip", clientAddress, "x-forwarded-for", clientAddress, "x-forwarded-host", host);
  sent.push(
    "x-forwarded-port",
    String(front.port),
    "x-forwarded-proto",
    scheme,
    "x-forwarded-scheme",
    scheme,
  );
  sent.push("x-scheme", scheme);
  if (settings.forwardedPrefix !== undefined) sent.push("x-forwarded-prefix", settings.forwardedPrefix);
  return edited(sent, settings.requestHeaders);
}

/** Names in lower case, of what a backend answers. */
export function downstreamHeaders(
  raw: readonly string[],
  edits: HeaderEdits,
): readonly (readonly [string, string])[] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2)
    pairs.push([(raw[at] ?? "").toLowerCase(), raw[at + 1] ?? ""]);
  const left = namedByConnection(pairs);
  const kept = pairs.filter(([name]) => !ofOneConnection.has(name) && !left.has(name)).flat();
  const all = edited(kept, edits);
  return Array.from(
    { length: all.length / 2 },
    (_, at) => [all[at * 2] ?? "", all[at * 2 + 1] ?? ""] as const,
  );
}

function edited(flat: string[], { set, add, remove }: HeaderEdits): string[] {
  const [toSet, toAdd] = [Object.entries(set), Object.entries(add)];
  if (toSet.length + toAdd.length + remove.length === 0) return flat;
  const gone = new Set([...remove, ...toSet.map(([name]) => name)]);
  const kept: string[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2)
    if (!gone.has(flat[at] ?? "")) kept.push(flat[at] ?? "", flat[at + 1] ?? "");
  return [...kept, ...toSet.flat(), ...toAdd.flat()];
}
