import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { MetricsRegistry } from "../../../base/os/metrics.ts";
import type { Elsewhere } from "../aggregation/elsewhere.ts";
import { methodNotAllowed, pathNotFound, resourceNotFound } from "../api-error.ts";
import type { RequestInfo } from "../filters/request-info.ts";
import { flowDump } from "../flowcontrol/debug-dump.ts";
import type { FlowControl } from "../flowcontrol/flow-control.ts";
import { mediaTypes, negotiate, routedTypes } from "../handlers/negotiate.ts";
import { bodyBytes } from "../handlers/respond.ts";
import { jsonText } from "../json.ts";
import type { OpenApiDocuments } from "../openapi/documents.ts";
import type { Kinds } from "../registry/kind-table.ts";
import { aggregatedType, groupDiscoveryList, wantsAggregated } from "./aggregated-discovery.ts";
import { type HealthDeps, healthPaths } from "./health.ts";
import { health } from "./health-routes.ts";
import { type IssuerDocuments, issuerCacheControl, issuerPaths } from "./issuer-documents.ts";
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from "./legacy-discovery.ts";
import { openApiRoute } from "./openapi-routes.ts";
import { versionBody } from "./version.ts";

/** Everything that is no resource: discovery, health, metrics, schema documents. */
export interface PlainAnswer {
  readonly code: number;
  /** Empty: there is no body. */
  readonly contentType: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface PlainDeps extends HealthDeps {
  readonly kinds: Kinds;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  readonly clock: Clock;
  readonly openApi: OpenApiDocuments;
  /** host:port that clients outside can use. */
  readonly address: string;
  /** Absent where there is no issuer of tokens that others could ask. */
  readonly issuer: IssuerDocuments | undefined;
  /** Groups that other servers serve. */
  readonly elsewhere: Elsewhere;
  /** Absent without priority and fairness. */
  readonly flowControl: FlowControl | undefined;
}

const json = (body: unknown): PlainAnswer => ({
  code: 200,
  contentType: "application/json",
  body: jsonText(body),
});

export interface PlainHeaders {
  readonly accept: string;
  /** If-None-Match. */
  readonly known: string;
}

/** Fails with 404 for a path that leads nowhere, 405 for anything but reading. */
export async function plainRoute(
  info: RequestInfo,
  { accept, known }: PlainHeaders,
  deps: PlainDeps,
): Promise<PlainAnswer> {
  const path = info.path.length > 1 && info.path.endsWith("/") ? info.path.slice(0, -1) : info.path;
  const probed = healthPaths.find((one) => path === `/${one}` || path.startsWith(`/${one}/`));
  // Whatever the method, as Kubernetes has it.
  if (probed !== undefined)
    return health(probed, info.path.slice(probed.length + 2), { query: info.query, deps, log: deps.log });
  if (isBelowResources(path, deps.kinds)) throw resourceNotFound();
  if (info.method !== "GET" && info.method !== "HEAD") {
    if (path === "/" || path.startsWith("/api")) throw methodNotAllowed();
    throw pathNotFound();
  }
  const [, first = "", ...rest] = path.split("/");
  switch (first) {
    case "version":
      if (rest.length === 0) return json(versionBody());
      break;
    case "metrics":
      if (rest.length === 0)
        return { code: 200, contentType: deps.metrics.contentType, body: await deps.metrics.text() };
      break;
    case "debug": {
      const body = deps.flowControl && flowDump(deps.flowControl, rest, info.query);
      if (body !== undefined) return { code: 200, contentType: "text/plain; charset=utf-8", body };
      break;
    }
    case ".well-known":
    case "openid":
      return issuerDocument(path, deps.issuer);
    case "openapi":
      {
        const { openApi: documents, elsewhere, clock } = deps;
        const asked = { query: info.query, accept, known, wallMs: clock.wallMs() };
        const answer = await openApiRoute(rest, asked, { documents, elsewhere });
        if (answer !== undefined) return answer;
      }
      break;
    case "api":
    case "apis":
      return discovery(first, rest, accept, deps);
    case "":
      return json({
        paths: [
          ...(deps.issuer === undefined ? [] : [issuerPaths.configuration]),
          "/api",
          "/apis",
          "/healthz",
          "/livez",
          "/metrics",
          "/openapi/v2",
          "/openapi/v3",
          ...(deps.issuer === undefined ? [] : [issuerPaths.keys]),
          "/readyz",
          "/version",
        ],
      });
  }
  throw pathNotFound();
}

function discovery(
  root: "api" | "apis",
  rest: readonly string[],
  accept: string,
  deps: PlainDeps,
): PlainAnswer {
  const { kinds } = deps;
  const [first, second, ...more] = rest;
  if (first === undefined) {
    const version = wantsAggregated(accept);
    if (version !== undefined) {
      const body = jsonText(groupDiscoveryList(kinds, deps.elsewhere, { core: root === "api", version }));
      return { code: 200, contentType: aggregatedType(version), body, headers: { Vary: "Accept" } };
    }
    const body =
      root === "api" ? apiVersions(deps.address) : apiGroupList(deps.elsewhere.groups(kinds.groups()));
    return { ...document(body, accept), headers: { Vary: "Accept" } };
  }
  let body: unknown;
  if (root === "api" && second === undefined) body = apiResourceList(kinds, "", first);
  else if (root === "apis" && second === undefined)
    body = apiGroup(deps.elsewhere.groups(kinds.groups()), first);
  else if (root === "apis" && second !== undefined && more.length === 0)
    body = apiResourceList(kinds, first, second);
  if (body === undefined) throw pathNotFound();
  return document(body, accept);
}

/** What discovery tells is no object and has no reduced form: fails with 406 for whoever takes only one. */
function document(body: unknown, accept: string): PlainAnswer {
  const offered = { tables: false, metadata: false, protobuf: true, routed: routedTypes(false) };
  const { format } = negotiate(accept, offered);
  return { code: 200, contentType: mediaTypes[format], body: bodyBytes(body, format) };
}

function issuerDocument(path: string, documents: IssuerDocuments | undefined): PlainAnswer {
  const headers = { "Cache-Control": issuerCacheControl };
  if (documents !== undefined && path === issuerPaths.configuration)
    return { code: 200, contentType: "application/json", body: documents.configuration, headers };
  if (documents !== undefined && path === issuerPaths.keys)
    return { code: 200, contentType: "application/jwk-set+json", body: documents.keys, headers };
  throw pathNotFound();
}

/** In a group that there is, but deeper than any of its resources. */
function isBelowResources(path: string, kinds: Kinds): boolean {
  const [, root, ...rest] = path.split("/");
  if (root !== "api" && root !== "apis") return false;
  const [group = "", , ...more] = root === "api" ? ["", ...rest] : rest;
  return more.length > 0 && kinds.groups().has(group);
}
