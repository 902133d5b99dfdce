import * as http from "node:http";
import * as https from "node:https";
import { dialText } from "../../base/dial-text.ts";
import type { Container, Probe } from "../../client/types.ts";
import { kubernetesVersion } from "../../client/version.ts";

export type HttpGet = NonNullable<Probe["httpGet"]>;

export interface HttpGetOptions {
  readonly container: Container;
  /** Asked where the action names no host. */
  readonly podIp: string;
  /** For everything: redirections, and the body where it is read. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly program: "kube-probe" | "kube-lifecycle";
  /** What of the body is read; 0: an answer's head is all that is waited for. */
  readonly bodyBytesMost: number;
}

/** A redirection to another host is an answer: its body names the place. */
export interface HttpAnswer {
  readonly code: number;
  readonly body: string;
}

/** It says nothing of the container: there is no such port, or an answer did not come to its end. */
export class UntriedError extends Error {}

/** Plain HTTP was the answer to a TLS handshake. */
export class NotTlsError extends Error {}

interface Place {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** With its query. */
  readonly path: string;
}

const redirectsMost = 10;

/** Asks as kubelets do: redirections are followed within the host. Rejects where no answer comes in time. */
export async function httpGet(get: HttpGet, options: HttpGetOptions): Promise<HttpAnswer> {
  const path = get.path || "/";
  const first: Place = {
    secure: get.scheme?.toUpperCase() === "HTTPS",
    host: get.host || options.podIp,
    port: portOf(get.port, options.container),
    path: path.startsWith("/") ? path : `/${path}`,
  };
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), options.timeoutMs);
  const signal = AbortSignal.any([late.signal, options.signal ?? []].flat());
  let headers = headersOf(get, options.program);
  let place = first;
  try {
    for (let asked = 1; ; asked++) {
      const answer = await ask(place, headers, signal, late.signal);
      const { location } = answer.headers;
      const next = isRedirect(answer.statusCode) && location ? placeOf(location, place) : undefined;
      if (next === undefined || next.host !== first.host)
        return {
          code: answer.statusCode ?? 0,
          body: await bodyOf(answer, options.bodyBytesMost, late.signal),
        };
      answer.destroy();
      if (asked >= redirectsMost) throw new Error(`Get "${textOf(next)}": stopped after 10 redirects`);
      // A Host of the action's own is for relative redirections alone.
      if (URL.canParse(location ?? "")) headers = headers.filter(([name]) => name !== "host");
      place = next;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** A port by number or by the name of one of the container's. */
export function portOf(port: number | string | object, container: Container): number {
  const number = Number(port);
  if (Number.isInteger(number)) return number;
  const named = container.ports?.find(({ name }) => name === port);
  if (named === undefined) throw new UntriedError(`couldn't find a port named "${String(port)}"`);
  return named.containerPort;
}

type Headers = readonly (readonly [name: string, values: readonly string[]])[];

/** Of the connection's, not the action's to say. */
const ownHeaders: ReadonlySet<string> = new Set(["content-length", "transfer-encoding", "trailer"]);

/** An empty text takes away what is sent by itself; a name may stand several times. Pure. */
function headersOf({ httpHeaders = [] }: HttpGet, program: string): Headers {
  const found = new Map<string, string[]>();
  for (const { name, value } of httpHeaders) {
    const key = name.toLowerCase();
    if (!ownHeaders.has(key)) found.set(key, [...(found.get(key) ?? []), value ?? ""]);
  }
  const { major, minor } = kubernetesVersion;
  for (const [name, usual] of [
    ["user-agent", `${program}/${major}.${minor}`],
    ["accept", "*/*"],
  ] as const) {
    const given = found.get(name);
    if (given === undefined) found.set(name, [usual]);
    else if (given[0] === "") found.delete(name);
  }
  found.set("connection", ["close"]);
  return [...found];
}

const isRedirect = (code = 0): boolean => [301, 302, 303, 307, 308].includes(code);

/** Where a redirection leads. Throws where that is no place to ask. Pure. */
function placeOf(location: string, from: Place): Place {
  const url = URL.canParse(location, textOf(from)) ? new URL(location, textOf(from)) : undefined;
  if (url === undefined)
    throw new Error(`Get "${textOf(from)}": failed to parse Location header ${JSON.stringify(location)}`);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const secure = url.protocol === "https:";
  if (host === from.host && !secure && url.protocol !== "http:")
    throw new Error(`Get "${url.href}": unsupported protocol scheme "${url.protocol.slice(0, -1)}"`);
  return {
    secure,
    host,
    port: Number(url.port || (secure ? 443 : 80)),
    path: `${url.pathname}${url.search}`,
  };
}

const textOf = ({ secure, host, port, path }: Place): string =>
  `${secure ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}${path}`;

/** Resolves with the answer's head. */
function ask(
  place: Place,
  headers: Headers,
  signal: AbortSignal,
  late: AbortSignal,
): Promise<http.IncomingMessage> {
  const { secure, host, port, path } = place;
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => {
      const why = late.aborted
        ? "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        : isNotTls(error)
          ? "http: server gave HTTP response to HTTPS client"
          : dialText(error, { host, port });
      const text = `Get "${textOf(place)}": ${why}`;
      reject(isNotTls(error) ? new NotTlsError(text) : new Error(text));
    };
    const request = (secure ? https : http).request(
      {
        host,
        port,
        path,
        headers: Object.fromEntries(
          headers.map(([name, values]) => [name, name === "host" ? (values[0] ?? "") : [...values]]),
        ),
        agent: false,
        rejectUnauthorized: false,
        signal,
      },
      resolve,
    );
    // A socket that breaks behind the head is the body's matter.
    request.on("error", failed);
    request.end();
  });
}

const isNotTls = (error: Error): boolean =>
  "code" in error &&
  (error.code === "ERR_SSL_WRONG_VERSION_NUMBER" ||
    (error.code === "EPROTO" && error.message.includes("wrong version number")));

async function bodyOf(answer: http.IncomingMessage, bytesMost: number, late: AbortSignal): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    // Leaving the loop destroys what is left.
    if (bytesMost > 0)
      for await (const piece of answer as AsyncIterable<Buffer>) {
        pieces.push(piece);
        bytes += piece.length;
        if (bytes >= bytesMost) break;
      }
  } catch (error) {
    const why = late.aborted
      ? "context deadline exceeded (Client.Timeout or context cancellation while reading body)"
      : String(error instanceof Error ? error.message : error);
    throw new UntriedError(why);
  } finally {
    answer.destroy();
  }
  return Buffer.concat(pieces).subarray(0, bytesMost).toString("utf8");
}
