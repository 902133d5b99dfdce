import type { IncomingMessage, ServerResponse } from "node:http";
import type { Log } from "../../base/os/log.ts";
import type { MetricsRegistry } from "../../base/os/metrics.ts";
import { grpcStatus } from "../errors.ts";
import type { Handlers } from "../rpc/handler.ts";
import type { MemberParts } from "../rpc/member.ts";
import { type Access, addCrossOriginHeaders, hostProblem } from "./access.ts";
import { type Check, checks, health } from "./health.ts";
import { serveJsonApi } from "./json-api.ts";
import { canonicalPath, methodAt } from "./paths.ts";

export interface GatewayParts {
  readonly member: MemberParts;
  readonly metrics: MetricsRegistry;
  readonly versions: { readonly etcdserver: string; readonly etcdcluster: string; readonly storage: string };
  readonly log: Log;
  readonly handlers: Handlers;
  readonly maxRequestBytes: number;
  readonly access: Access;
  /** Whether /v3/ answers (--enable-grpc-gateway). */
  readonly jsonApi: boolean;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly allow?: string;
}

type Route = (query: URLSearchParams, parts: GatewayParts) => Promise<Answer>;

const json = (status: number, value: unknown): Answer => ({
  status,
  contentType: "application/json",
  body: JSON.stringify(value),
});
const plain = (status: number, body: string): Answer => ({
  status,
  contentType: "text/plain; charset=utf-8",
  body,
});

const routes: Readonly<Record<string, Route>> = {
  "/health": async (query, { member }) => {
    const serializable = query.get("serializable") === "true";
    const { healthy, reason } = await health(member, { excluded: query.getAll("exclude"), serializable });
    return json(healthy ? 200 : 503, { health: String(healthy), reason });
  },
  "/livez": (query, { member }) => runChecks("livez", checks(member, "livez"), query),
  "/readyz": (query, { member }) => runChecks("readyz", checks(member, "readyz"), query),
  "/version": async (_query, { versions }) => json(200, versions),
  "/metrics": async (_query, { metrics }) => ({
    status: 200,
    contentType: metrics.contentType,
    body: await metrics.text(),
  }),
};

/** Answers HTTP requests that are not gRPC; to be given to a listener. */
export function gateway(parts: GatewayParts): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const url = urlOf(request);
    const send = ({ status, contentType, body, allow }: Answer) => {
      response.writeHead(status, { "content-type": contentType, ...(allow !== undefined && { allow }) });
      response.end(request.method === "HEAD" ? undefined : body);
    };
    const refused = hostProblem(parts.access, request);
    if (refused === undefined) addCrossOriginHeaders(parts.access, request, response);
    const path = canonicalPath(url?.pathname ?? "");
    const method = parts.jsonApi ? methodAt(path) : undefined;
    if (refused === undefined && request.method === "POST" && method !== undefined) {
      const { handlers, maxRequestBytes } = parts;
      // Base64 and names make JSON longer than the message it stands for.
      void serveJsonApi(method, request, response, { handlers, bodyBytesMax: maxRequestBytes * 2 });
      return;
    }
    request.resume(); // other bodies mean nothing
    if (refused !== undefined) send(plain(421, refused));
    else if (request.method === "OPTIONS") send(plain(200, ""));
    else if (parts.jsonApi && path.startsWith("/v3/")) send(gatewayRefusal(method !== undefined));
    else if (url === undefined || !Object.hasOwn(routes, url.pathname))
      send(plain(404, "404 page not found\n"));
    else if (request.method !== "GET" && request.method !== "HEAD")
      send({ ...plain(405, "Method Not Allowed\n"), allow: "GET" });
    else
      (routes[url.pathname] as Route)(url.searchParams, parts).then(send, (error: unknown) => {
        parts.log.warn("request failed", { path: url.pathname, error });
        send(plain(500, "internal error\n"));
      });
  };
}

/** Undefined for a target that is no path (`//`, `*`). */
function urlOf(request: IncomingMessage): URL | undefined {
  const target = request.url ?? "/";
  return target.startsWith("/") && URL.canParse(`http://member${target}`)
    ? new URL(`http://member${target}`)
    : undefined;
}

/** What grpc-gateway says of a path that is not there, or there for POST only. */
function gatewayRefusal(isThere: boolean): Answer {
  const body = (code: number, message: string) => ({ error: message, code, message });
  if (!isThere) return json(404, body(grpcStatus.NOT_FOUND, "Not Found"));
  return { ...json(405, body(grpcStatus.UNIMPLEMENTED, "Method Not Allowed")), allow: "POST" };
}

/** Kubernetes' form of health endpoints: `ok`, or with `?verbose` or on failure one line a check. */
async function runChecks(path: string, all: readonly Check[], query: URLSearchParams): Promise<Answer> {
  const wanted = query.getAll("allowlist");
  const left = new Set(query.getAll("exclude"));
  const run = all.filter(({ name }) => !left.has(name) && (wanted.length === 0 || wanted.includes(name)));
  const outcomes = await Promise.all(
    run.map(async (check) => ({ name: check.name, problem: await check.run() })),
  );
  const lines = outcomes.map(({ name, problem }) =>
    problem === undefined ? `[+]${name} ok` : `[-]${name} failed: ${problem}`,
  );
  const healthy = outcomes.every(({ problem }) => problem === undefined);
  if (healthy)
    return plain(200, query.has("verbose") ? `${lines.join("\n")}\n${path} check passed\n` : "ok\n");
  return plain(503, `${lines.join("\n")}\n${path} check failed\n`);
}
