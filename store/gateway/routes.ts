import type { IncomingMessage, ServerResponse } from "node:http";
import type { Log } from "../../base/os/log.ts";
import type { MetricsRegistry } from "../../base/os/metrics.ts";
import type { Handlers } from "../rpc/handler.ts";
import type { MemberParts } from "../rpc/member.ts";
import { type Check, checks, health } from "./health.ts";
import { isJsonApi, serveJsonApi } from "./json-api.ts";

export interface GatewayParts {
  readonly member: MemberParts;
  readonly metrics: MetricsRegistry;
  readonly versions: { readonly etcdserver: string; readonly etcdcluster: string; readonly storage: string };
  readonly log: Log;
  readonly handlers: Handlers;
  readonly maxRequestBytes: number;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
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

/** Answers HTTP/1.1 requests; to be given to a listener. */
export function gateway(parts: GatewayParts): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const url = new URL(request.url ?? "/", "http://member");
    const route = Object.hasOwn(routes, url.pathname) ? routes[url.pathname] : undefined;
    const send = ({ status, contentType, body }: Answer) => {
      response.writeHead(status, { "content-type": contentType });
      response.end(request.method === "HEAD" ? undefined : body);
    };
    if (request.method === "POST" && isJsonApi(url.pathname)) {
      // Base64 and names make JSON longer than the message it stands for.
      void serveJsonApi(url.pathname, request, response, {
        handlers: parts.handlers,
        bodyBytesMost: parts.maxRequestBytes * 2,
      });
      return;
    }
    request.resume(); // bodies mean nothing here
    if (route === undefined) send(plain(404, "404 page not found\n"));
    else if (request.method !== "GET" && request.method !== "HEAD") send(plain(405, "Method Not Allowed\n"));
    else
      route(url.searchParams, parts).then(send, (error: unknown) => {
        parts.log.warn("request failed", { path: url.pathname, error });
        send(plain(500, "internal error\n"));
      });
  };
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
