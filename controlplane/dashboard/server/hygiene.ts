import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { SessionSecrets } from "./sessions.ts";

/** Nothing comes from elsewhere, nothing is framed, no form goes anywhere, and neither scripts nor styles stand in a page. What our
 *  scripts style by the object model of CSS is no inline style (`web/terminal/strict-styles.ts`). */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Of every answer. */
export const safeHeaders: OutgoingHttpHeaders = {
  "content-security-policy": contentPolicy,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), usb=()",
};

export interface Origins {
  /** Names with their ports under which people reach us, in lower case; another's DNS record that points to us is none of them. */
  readonly hosts: ReadonlySet<string>;
  readonly scheme: "http" | "https";
}

/** Why a request is not one of our own pages', as a sentence; undefined when it is. A browser says where a request comes from in
 *  Origin (every write, every WebSocket) and Sec-Fetch-Site; a program that is no browser says neither,
 *  and has no cookie to abuse. */
export function strangersRequest({ headers, method }: IncomingMessage, origins: Origins): string | undefined {
  const host = headers.host?.toLowerCase();
  if (host === undefined || !origins.hosts.has(host))
    return `Host "${host ?? ""}" is not one of ours: ${[...origins.hosts].join(", ")} (--allowed-hosts names more)`;
  const { origin } = headers;
  if (origin !== undefined && origin !== `${origins.scheme}://${host}`)
    return `Origin "${origin}" is another site's`;
  const site = headers["sec-fetch-site"];
  const isNavigation = headers["sec-fetch-mode"] === "navigate" && method === "GET";
  if (site !== undefined && site !== "same-origin" && site !== "none" && !isNavigation)
    return `Sec-Fetch-Site "${site}" is another site's`;
  return undefined;
}

/** Cookies are shared by all ports of a host, so that the name says whose it is. */
export const cookieName = (port: number): string => `pintle-${port}`;
export const keyHeader = "x-pintle-key";
const keyProtocol = "pintle.key.";

/** What a request brings; undefined where a part is missing. A WebSocket has no header of its own, and
 *  brings its key as a protocol. */
export function secretsOf({ headers }: IncomingMessage, port: number): SessionSecrets | undefined {
  const cookie = cookieOf(headers.cookie ?? "", cookieName(port));
  const given = headers[keyHeader];
  const key = typeof given === "string" ? given : keyOfProtocols(headers["sec-websocket-protocol"]);
  return cookie === undefined || key === undefined ? undefined : { cookie, key };
}

function cookieOf(header: string, name: string): string | undefined {
  for (const part of header.split(";")) {
    const at = part.indexOf("=");
    if (part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}

const protocolsOf = (header: string | undefined): readonly string[] =>
  header?.split(",").map((one) => one.trim()) ?? [];

function keyOfProtocols(header: string | undefined): string | undefined {
  return protocolsOf(header)
    .find((one) => one.startsWith(keyProtocol))
    ?.slice(keyProtocol.length);
}

/** The protocols that are meant for whoever answers the WebSocket. */
export function protocolsBeyondKey(header: string | undefined): readonly string[] {
  return protocolsOf(header).filter((one) => one !== "" && !one.startsWith(keyProtocol));
}

export function sessionCookie({ cookie }: SessionSecrets, port: number, scheme: Origins["scheme"]): string {
  return `${cookieName(port)}=${cookie}; Path=/; HttpOnly; SameSite=Strict${scheme === "https" ? "; Secure" : ""}`;
}

export function endedCookie(port: number): string {
  return `${cookieName(port)}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`;
}
