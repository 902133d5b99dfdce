import type { IncomingHttpHeaders } from "node:http";
import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { MetricsRegistry } from "../../../base/os/metrics.ts";
import { ownWallMs } from "../../../base/os/own-timers.ts";
import { kubernetesVersion } from "../../../client/version.ts";
import type { Elsewhere } from "../aggregation/elsewhere.ts";
import { methodNotAllowed, pathNotFound, resourceNotFound, unroutable } from "../api-error.ts";
import type { RequestInfo } from "../filters/request-info.ts";
import { flowDump } from "../flowcontrol/debug-dump.ts";
import type { FlowControl } from "../flowcontrol/flow-control.ts";
import { isRouted } from "../handlers/accept-header.ts";
import { mediaTypes } from "../handlers/negotiate.ts";
import { prettyJsonText } from "../json.ts";
import type { OpenApiDocuments } from "../openapi/documents.ts";
import type { Kinds } from "../registry/kind-table.ts";
import type { AskMembers } from "../registry/store-members.ts";
import { componentPage, flagsPage, type PageContent, statusPage } from "./component-pages.ts";
import { discoveryRoute } from "./discovery-routes.ts";
import { type HealthDeps, healthChecks, healthPaths } from "./health.ts";
import { health } from "./health-routes.ts";
import type { HealthSlis } from "./health-slis.ts";
import { type IssuerDocuments, issuerCacheControl, issuerPaths } from "./issuer-documents.ts";
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
  readonly slis: HealthSlis;
  /** How this server was started: the names of its flags and what they say. */
  readonly flags: Readonly<Record<string, string>>;
  /** Absent where the store has no members that could be asked. */
  readonly members: AskMembers | undefined;
}

/** Kubernetes lays these out for people, whoever asks. */
const forPeople = (body: unknown): PlainAnswer => ({
  code: 200,
  contentType: "application/json",
  body: prettyJsonText(body),
});

export interface PlainAsked {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly accept: string;
  /** If-None-Match. */
  readonly known: string;
  /** People read the answer. */
  readonly forPeople: boolean;
}

/** Fails with 404 for a path that leads nowhere, 405 for a method that is not for its path. */
export async function plainRoute(
  info: RequestInfo,
  asked: PlainAsked,
  deps: PlainDeps,
): Promise<PlainAnswer> {
  const { path, query } = info;
  const probed = healthPaths.find((one) => path === `/${one}` || path.startsWith(`/${one}/`));
  // Whatever the method, as Kubernetes has it.
  if (probed !== undefined) {
    const check = path.slice(probed.length + 2);
    if (path === `/${probed}/`) throw pathNotFound();
    return health(probed, check, { query, deps, log: deps.log, slis: deps.slis });
  }
  if (isBelowResources(path, deps.kinds)) throw resourceNotFound();
  const [, first = "", ...rest] = path.split("/");
  switch (first) {
    case "version":
      return version(rest, asked);
    case "metrics":
      if (rest.length === 0) return metrics(asked.method, deps.metrics);
      if (rest.join("/") === "slis") return metrics(asked.method, deps.slis.registry);
      break;
    case "statusz":
      if (rest.length === 0) return componentPage(statusOf(deps), asked);
      break;
    case "flagz":
      if (rest.length === 0) return componentPage(flagsPage(deps.flags), asked);
      break;
    case "debug": {
      if (rest.join("/") === "store" && deps.members !== undefined)
        return storeMembers(asked.method, deps.members);
      const body = deps.flowControl && flowDump(deps.flowControl, withoutEnd(rest), query);
      if (body !== undefined) return { code: 200, contentType: "text/plain; charset=utf-8", body };
      break;
    }
    case ".well-known":
    case "openid":
      return issuerDocument(path, asked.method, deps.issuer);
    case "openapi":
      {
        const { openApi: documents, elsewhere, clock } = deps;
        const about = { ...asked, query, wallMs: clock.wallMs() };
        const answer = await openApiRoute(rest, about, { documents, elsewhere });
        if (answer !== undefined) return answer;
      }
      break;
    case "api":
    case "apis":
      return discoveryRoute([first, ...withoutEnd(rest)], asked, deps);
    case "":
    case "index.html":
      if (rest.length === 0) return forPeople({ paths: listedPaths(deps) });
  }
  throw pathNotFound();
}

/** Whether a slash ends the path makes no difference below. */
function withoutEnd(parts: readonly string[]): readonly string[] {
  return parts.at(-1) === "" ? parts.slice(0, -1) : parts;
}

function version(rest: readonly string[], { method, accept }: PlainAsked): PlainAnswer {
  if (withoutEnd(rest).length > 0) throw resourceNotFound();
  if (method !== "GET") throw methodNotAllowed();
  if (accept !== "" && !isRouted(accept, [mediaTypes.json])) throw unroutable([mediaTypes.json]);
  return forPeople(versionBody());
}

async function metrics(method: string, registry: MetricsRegistry): Promise<PlainAnswer> {
  if (method === "DELETE") {
    registry.reset();
    return { code: 200, contentType: "text/plain; charset=utf-8", body: "metrics reset\n" };
  }
  const headers = { "Process-Start-Time-Unix": String(Math.floor(startedSeconds)) };
  return { code: 200, contentType: registry.contentType, body: await registry.text(), headers };
}

/** Our own: how the store's members are, for who may read this path. */
async function storeMembers(method: string, ask: AskMembers): Promise<PlainAnswer> {
  if (method !== "GET") throw methodNotAllowed();
  return { code: 200, contentType: "application/json", body: JSON.stringify({ members: await ask() }) };
}

const startedSeconds = ownWallMs() / 1000 - process.uptime();

function statusOf({ clock }: PlainDeps): PageContent {
  const { major, minor } = kubernetesVersion;
  const times = { startedSeconds, nowSeconds: clock.wallMs() / 1000 };
  return statusPage(times, { release: `${major}.${minor}`, paths: pagePaths });
}

/** What there is to look at beside the API itself. */
const pagePaths = ["/flagz", "/healthz", "/livez", "/metrics", "/readyz", "/statusz", "/version"];

function listedPaths(deps: PlainDeps): readonly string[] {
  const groups = [...deps.elsewhere.groups(deps.kinds.groups())].flatMap(([group, versions]) =>
    group === ""
      ? versions.map((one) => `/api/${one}`)
      : [`/apis/${group}`, ...versions.map((one) => `/apis/${group}/${one}`)],
  );
  const checks = healthPaths.flatMap((path) =>
    healthChecks(path, deps).map(({ name }) => `/${path}/${name}`),
  );
  const issuer = deps.issuer === undefined ? [] : [issuerPaths.configuration, issuerPaths.keys];
  const documents = ["/metrics/slis", "/openapi/v2", "/openapi/v3", "/openapi/v3/"];
  return ["/api", "/apis", "/apis/", ...groups, ...checks, ...issuer, ...documents, ...pagePaths].sort();
}

function issuerDocument(path: string, method: string, documents: IssuerDocuments | undefined): PlainAnswer {
  const headers = { "Cache-Control": issuerCacheControl };
  const isOne = path === issuerPaths.configuration || path === issuerPaths.keys;
  if (documents === undefined || !isOne) throw pathNotFound();
  if (method !== "GET") throw methodNotAllowed();
  return path === issuerPaths.configuration
    ? { code: 200, contentType: "application/json", body: documents.configuration, headers }
    : { code: 200, contentType: "application/jwk-set+json", body: documents.keys, headers };
}

/** In a group that there is, but deeper than any of its resources. */
function isBelowResources(path: string, kinds: Kinds): boolean {
  const [, root, ...rest] = path.split("/");
  if (root !== "api" && root !== "apis") return false;
  const [group = "", , ...more] = withoutEnd(root === "api" ? ["", ...rest] : rest);
  return more.length > 0 && kinds.groups().has(group);
}
