import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

/** The cookie by which a forward knows the browser that came by its link. */
export const forwardCookie = "pintle-forward";
/** Cookies of this name are ours, whichever port of a host they are for: a pod neither sees nor sets them. */
const oursBegin = "pintle-";

/** They are of one connection, and not passed on. */
const ofConnection = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** A pod's word about what the browser keeps of a whole host. */
const neverBack = new Set(["clear-site-data", "strict-transport-security", "public-key-pins", "alt-svc"]);

/** The cookie's value; undefined where a browser brings none. Pure. */
export function cookieOf(header: string | undefined): string | undefined {
  for (const part of header?.split(";") ?? []) {
    const [name = "", value] = part.split("=", 2);
    if (name.trim() === forwardCookie) return value?.trim();
  }
  return undefined;
}

/** What a pod is told of a browser's request. Pure. */
export function headersToPod(headers: IncomingHttpHeaders, isUpgrade: boolean): OutgoingHttpHeaders {
  const passed: OutgoingHttpHeaders = {};
  const named = namedByConnection(headers.connection);
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || ofConnection.has(name) || named.has(name)) continue;
    if (name !== "cookie") passed[name] = value;
  }
  const cookies = headers.cookie
    ?.split(";")
    .map((part) => part.trim())
    .filter((part) => part !== "" && !part.startsWith(oursBegin));
  if (cookies?.length) passed.cookie = cookies.join("; ");
  if (isUpgrade) {
    passed.connection = "Upgrade";
    passed.upgrade = headers.upgrade ?? "";
  }
  return passed;
}

/** What a browser is told of a pod's answer. Pure. */
export function headersFromPod(headers: IncomingHttpHeaders, isUpgrade: boolean): OutgoingHttpHeaders {
  const passed: OutgoingHttpHeaders = {};
  const named = namedByConnection(headers.connection);
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || ofConnection.has(name) || neverBack.has(name) || named.has(name)) continue;
    if (name !== "set-cookie") passed[name] = value;
  }
  const cookies = headers["set-cookie"]?.filter((cookie) => !cookie.trimStart().startsWith(oursBegin));
  if (cookies?.length) passed["set-cookie"] = cookies;
  if (isUpgrade) {
    passed.connection = "Upgrade";
    passed.upgrade = headers.upgrade ?? "";
  }
  return passed;
}

const namedByConnection = (header: string | undefined): ReadonlySet<string> =>
  new Set(header?.split(",").map((one) => one.trim().toLowerCase()));
