import { type ClientRequest, headerValues } from "./client-request.ts";
import type { Cors } from "./route.ts";

/** What other sites are told that they may do (the Fetch standard's CORS protocol). Pure. */

const headerOf = (request: ClientRequest, name: string) => headerValues(request, name)[0];

/** Whether it only asks what may be asked. */
export const isPreflight = (request: ClientRequest): boolean =>
  request.method === "OPTIONS" &&
  headerOf(request, "origin") !== undefined &&
  headerOf(request, "access-control-request-method") !== undefined;

/** What every answer of a route says. */
export function corsHeaders(cors: Cors, request: ClientRequest): Readonly<Record<string, string>> {
  const { exposed, withCredentials } = cors;
  const allowed = allowedOrigin(cors, request);
  return {
    ...(saysAll(cors) ? {} : { vary: "Origin" }),
    ...(allowed !== undefined && {
      "access-control-allow-origin": allowed,
      ...(withCredentials && { "access-control-allow-credentials": "true" }),
      ...(exposed !== "" && !meansNothing(cors, exposed) && { "access-control-expose-headers": exposed }),
    }),
  };
}

/** What is answered to one that only asks. */
export function preflightHeaders(cors: Cors, request: ClientRequest): Readonly<Record<string, string>> {
  const plain = corsHeaders(cors, request);
  if (cors.echoes && plain["access-control-allow-origin"] === undefined) return plain;
  const methods = told(cors, cors.methods, headerOf(request, "access-control-request-method"));
  const headers = told(cors, cors.headers, headerOf(request, "access-control-request-headers"));
  return {
    ...plain,
    ...(methods !== undefined && { "access-control-allow-methods": methods }),
    ...(headers !== undefined && { "access-control-allow-headers": headers }),
    "access-control-max-age": String(cors.maxAgeSeconds),
  };
}

/** To a client that brings credentials. */
const meansNothing = ({ echoes, withCredentials }: Cors, text: string) =>
  text === "*" && echoes && withCredentials;

const told = (cors: Cors, all: string | undefined, asked: string | undefined) =>
  all !== undefined && meansNothing(cors, all) ? asked : all;

const saysAll = (cors: Cors) => cors.origins.includes("*") && !meansNothing(cors, "*");

function allowedOrigin(cors: Cors, request: ClientRequest): string | undefined {
  if (saysAll(cors)) return "*";
  const origin = headerOf(request, "origin");
  if (origin === undefined) return undefined;
  return cors.origins.some((one) => isOf(one, origin, cors.wildcard)) ? origin : undefined;
}

const wellKnownPorts: Readonly<Record<string, string>> = { http: ":80", https: ":443" };

/** With the port that it has unsaid. */
function whole(origin: string): string {
  const scheme = origin.slice(0, Math.max(0, origin.indexOf("://"))).toLowerCase();
  return /:\d+$/.test(origin)
    ? origin.toLowerCase()
    : `${origin.toLowerCase()}${wellKnownPorts[scheme] ?? ""}`;
}

/** `https://*.example.com` stands for one label, or for any number of them; `https://*` for all hosts. */
function isOf(pattern: string, origin: string, wildcard: Cors["wildcard"]): boolean {
  if (pattern === "*") return true;
  const [wanted, given] = [whole(pattern), whole(origin)];
  const star = wanted.indexOf("*");
  if (star < 0) return wanted === given;
  const [before, after] = [wanted.slice(0, star), wanted.slice(star + 1)];
  if (given.length <= before.length + after.length) return false;
  if (!given.startsWith(before) || !given.endsWith(after)) return false;
  const between = given.slice(before.length, given.length - after.length);
  return (wildcard === "oneLabel" ? /^[-a-z0-9_]+$/ : /^[-a-z0-9_.]+$/).test(between);
}
