import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { HttpResponse } from "../../../base/http2/http-response.ts";
import type { Clock } from "../../../base/os/clock.ts";
import { join } from "../../../base/os/join.ts";
import { activeTraceparent } from "../../../base/tracing/active-span.ts";
import { ApiError } from "../api-error.ts";
import type { User } from "../filters/authentication.ts";
import { header, type RequestInfo } from "../filters/request-info.ts";
import { bodyFraming, connectionOnly, headerPairs, requestConnectionOnly } from "../reach/passed-headers.ts";
import type { Exchange } from "../server.ts";
import { type RemoteClient, userHeaders } from "./remote-client.ts";
import type { RemoteVersion, ServiceTable } from "./service-table.ts";

/** Requests for groups and versions that other servers serve are passed on to them, with their user's name in place of their
 *  credentials. */

export interface ProxyDeps {
  readonly table: ServiceTable;
  readonly client: RemoteClient;
  readonly clock: Clock;
}

/** Who serves what lies at this path; `undefined`: this server does. What lies below a version is passed on only where access
 *  rules saw a resource: as a mere path it is open to whoever may see what there is. */
export function remoteFor({ path, resource }: RequestInfo, table: ServiceTable): RemoteVersion | undefined {
  if (table.isEmpty) return undefined;
  const [, root = "", first = "", second = "", ...below] = path.split("/");
  if (root === "apis" && resource === undefined && below.some((part) => part !== "")) return undefined;
  if (root === "api" && first !== "") return table.remote("", first);
  return root === "apis" && second !== "" ? table.remote(first, second) : undefined;
}

/** Said in plain text, as Kubernetes' aggregator does. */
const unavailable = (text: string, code = 503) => new ApiError(code, "", text, undefined, {}, `${text}\n`);

export async function passOn(exchange: Exchange, remote: RemoteVersion, deps: ProxyDeps): Promise<void> {
  const { request, response, info, user, enter } = exchange;
  const { signal } = exchange.cancellation;
  if (!remote.isAvailable) throw unavailable("service unavailable");
  const begun = await enter();
  const outgoing = deps.client.request(remote, {
    method: info.method,
    path: request.url ?? "/",
    headers: [
      ...headersFor(request, remote, user, header(request.headers, "audit-id") || auditIdOf(response)),
      ...bodyFraming(request),
    ],
    signal,
  });
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve);
    outgoing.once("error", (error) => reject(signal.aborted ? signal.reason : unreachable(error)));
    request.once("error", () => outgoing.destroy());
    request.pipe(outgoing);
  });
  // Others' watches are under way here at once.
  begun();
  await copyAnswer(answer, response);
}

/** The service's own failures are its dialer's words. */
function unreachable(error: unknown): unknown {
  if (error instanceof ApiError) return unavailable("service unavailable");
  return unavailable(error instanceof Error ? error.message : String(error));
}

async function copyAnswer(answer: IncomingMessage, response: HttpResponse): Promise<void> {
  const { statusCode = 502 } = answer;
  if (statusCode >= 300 && statusCode < 400 && answer.headers.location !== undefined) {
    answer.destroy();
    throw unavailable("the backend attempted to redirect this request, which is not permitted", 502);
  }
  const all = headerPairs(answer);
  const own = connectionOnly(all);
  const passed = all.filter(([name]) => {
    const lower = name.toLowerCase();
    // What this server has said of the request itself holds.
    return !own.has(lower) && !response.hasHeader(lower) && !lower.startsWith("x-kubernetes-pf-");
  });
  for (const [name, value] of passed) response.appendHeader(name, value);
  response.writeHead(statusCode);
  response.flushHeaders();
  await new Promise<void>((resolve) => {
    const end = () => {
      answer.destroy();
      resolve();
    };
    response.once("close", end);
    response.once("finish", end);
    // A broken answer must not look like a whole one.
    answer.once("error", () => response.destroy());
    answer.pipe(response);
  });
}

/** WebSocket, SPDY and whatever else takes the connection over. */
export async function passUpgradeOn(
  upgrade: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
  { remote, user }: { readonly remote: RemoteVersion; readonly user: User },
  deps: ProxyDeps,
): Promise<void> {
  const { request, socket, head } = upgrade;
  if (!remote.isAvailable) throw unavailable("service unavailable");
  const headers = headersFor(request, remote, user, header(request.headers, "audit-id"));
  headers.push("Connection", "Upgrade", "Upgrade", header(request.headers, "upgrade"));
  const outgoing = deps.client.request(remote, {
    method: request.method ?? "GET",
    path: request.url ?? "/",
    headers,
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("close", () => outgoing.destroy());
    outgoing.once("error", (error) => reject(unreachable(error)));
    outgoing.once("upgrade", (answer, far: Duplex, farHead: Buffer) => {
      socket.write(answerHead(answer));
      socket.write(farHead);
      far.write(head);
      join(socket, far, deps.clock, resolve);
    });
    // It would rather answer.
    outgoing.once("response", (answer) => {
      socket.write(answerHead(answer));
      answer.pipe(socket);
      answer.once("close", resolve);
    });
    outgoing.end();
  });
}

function answerHead(answer: IncomingMessage): string {
  const { statusCode = 502, statusMessage = "" } = answer;
  const lines = headerPairs(answer).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${statusCode} ${statusMessage}\r\n${lines.join("")}\r\n`;
}

/** What the client says of itself by headers that only a proxy may send goes no further; credentials ended before. */
function headersFor(
  request: IncomingMessage,
  { service }: RemoteVersion,
  user: User,
  auditId: string,
): string[] {
  const all = headerPairs(request);
  const own = requestConnectionOnly(all);
  const trace = activeTraceparent();
  const headers = ["Host", `${service.name}.${service.namespace}.svc`];
  for (const [name, value] of all) {
    const lower = name.toLowerCase();
    const isOurs = lower.startsWith("x-remote-") || lower.startsWith("impersonate-");
    if (lower === "host" || lower === "audit-id" || isOurs || own.has(lower)) continue;
    if (lower === "traceparent" && trace !== undefined) continue;
    headers.push(name, value);
  }
  const address = request.socket.remoteAddress;
  if (address !== undefined) headers.push("X-Forwarded-For", address);
  if (auditId !== "") headers.push("Audit-Id", auditId);
  if (trace !== undefined) headers.push("traceparent", trace);
  return [...headers, ...userHeaders(user)];
}

function auditIdOf(response: HttpResponse): string {
  const value = response.getHeader("Audit-Id");
  return typeof value === "string" ? value : "";
}
