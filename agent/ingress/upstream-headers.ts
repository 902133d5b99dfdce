import { randomFillSync } from "node:crypto";
import type { ClientRequest } from "./client-request.ts";
import { type ForwardSettings, type HeaderEdits, noEdits } from "./route.ts";

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

/** What else `Connection` keeps to its connection. @param flat Names in lower case and values by turns. */
export function namedByConnection(flat: readonly string[]): ReadonlySet<string> | undefined {
  let names: Set<string> | undefined;
  for (let at = 0; at + 1 < flat.length; at += 2)
    if (flat[at] === "connection") {
      names ??= new Set();
      for (const one of (flat[at + 1] ?? "").split(",")) names.add(one.trim().toLowerCase());
    }
  return names;
}

/** A server of the CGI kind cannot tell `x_real_ip` from `x-real-ip`. */
const isOurs = (name: string) =>
  ours.has(name) || (name.includes("_") && ours.has(name.replaceAll("_", "-")));

const requestIdPattern = /^[-A-Za-z0-9._]{1,128}$/;

/** Names in lower case and values by turns; without those that frame the body. */
export function upstreamHeaders(request: ClientRequest, settings: ForwardSettings): string[] {
  const { authority, host, clientAddress, front } = request;
  const scheme = front.isTls ? "https" : "http";
  const left = namedByConnection(request.headers);
  const { headers } = request;
  const sent: string[] = ["host", settings.host ?? authority];
  const cookies: string[] = [];
  let requestId: string | undefined;
  let takesTrailers = false;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [name, value] = [headers[at] as string, headers[at + 1] as string];
    if (name === "te") takesTrailers ||= /(^|[,\s])trailers\s*(,|$)/i.test(value);
    if (ofOneConnection.has(name) || left?.has(name) || isOurs(name)) continue;
    if (name === "cookie") cookies.push(value);
    else if (name === "x-request-id") requestId ??= requestIdPattern.test(value) ? value : undefined;
    else sent.push(name, value);
  }
  // HTTP/2 may cut it into pieces.
  if (cookies.length > 0) sent.push("cookie", cookies.join("; "));
  if (takesTrailers && settings.protocol.startsWith("grpc")) sent.push("te", "trailers");
  sent.push("x-request-id", requestId ?? newRequestId());
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

/** What of a backend's headers is passed on. @param flat Names in lower case and values by turns. */
export function downstreamHeaders(flat: readonly string[], edits: HeaderEdits): string[] {
  const left = namedByConnection(flat);
  const kept: string[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const name = flat[at] as string;
    if (!ofOneConnection.has(name) && !left?.has(name)) kept.push(name, flat[at + 1] as string);
  }
  return edited(kept, edits);
}

/** What of that which stands behind a backend's body is passed on. */
export function downstreamTrailers(flat: readonly string[]): string[] {
  const kept = downstreamHeaders(flat, noEdits);
  return kept.filter((_, at) => kept[at - (at % 2)] !== "content-length");
}

function isEmpty(values: Readonly<Record<string, string>>): boolean {
  for (const _ in values) return false;
  return true;
}

function edited(flat: string[], edits: HeaderEdits): string[] {
  const { set, add, remove } = edits;
  if (remove.length === 0 && isEmpty(set) && isEmpty(add)) return flat;
  const [toSet, toAdd] = [Object.entries(set), Object.entries(add)];
  const gone = new Set([...remove, ...toSet.map(([name]) => name)]);
  const kept: string[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2)
    if (!gone.has(flat[at] ?? "")) kept.push(flat[at] ?? "", flat[at + 1] ?? "");
  return [...kept, ...toSet.flat(), ...toAdd.flat()];
}

const idBytes = 16;
/** The system's chance comes in portions, for asking costs the same for one as for many. */
const portion = Buffer.alloc(256 * idBytes);
let used = portion.length;

function newRequestId(): string {
  if (used === portion.length) {
    randomFillSync(portion);
    used = 0;
  }
  used += idBytes;
  return portion.toString("hex", used - idBytes, used);
}
