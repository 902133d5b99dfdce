import type {
  AnyRoute,
  GrpcMatch,
  HeaderModifier,
  HttpMatch,
  NamedMatch,
  PathModifier,
  RouteFilter,
  RouteRule,
} from "../../../client/gateway/gateway-types.ts";
import { type BackendWorld, backendOf } from "../../../client/gateway/route-backends.ts";
import { durationMs } from "../../../client/gateway/route-faults.ts";
import { type BackendRef, backendKey } from "../ingress-routes.ts";
import { specifiedPath } from "../request-target.ts";
import {
  type Action,
  type Condition,
  type ForwardSettings,
  type Gate,
  type HeaderEdits,
  noEdits,
  type PathMatch,
  type PathRewrite,
  type Route,
  type ValueTest,
  type WeightedBackend,
} from "../route.ts";

/** What routes of Gateway API have a node do. Pure. */
export interface RulesPlan {
  readonly routes: readonly Route[];
  readonly backends: readonly BackendRef[];
}

/** @param of One without fault (`route-faults.ts`). */
export function planRules(of: AnyRoute, world: BackendWorld): RulesPlan {
  const { metadata, spec } = of.route;
  const backends = new Map<string, BackendRef>();
  const rank = `${metadata.creationTimestamp ?? ""} ${metadata.namespace}/${metadata.name}`;
  const routes = (spec.rules ?? [{}]).flatMap((rule: RouteRule<HttpMatch> | RouteRule<GrpcMatch>, at) => {
    const places =
      of.kind === "HTTPRoute"
        ? httpPlaces(rule as RouteRule<HttpMatch>)
        : grpcPlaces(rule as RouteRule<GrpcMatch>);
    return places.map(
      ({ path, conditions }, matchAt): Route => ({
        id: `${of.kind} ${metadata.namespace}/${metadata.name} rules[${at}]`,
        // Of a route's own rules the first that matches is taken.
        rank: `${rank} ${counted(at)} ${counted(matchAt)}`,
        path,
        conditions,
        isFallback: false,
        gate: openGate,
        action: actionOf(of, rule, { path, world, backends }),
      }),
    );
  });
  return { routes, backends: [...backends.values()] };
}

const counted = (at: number) => String(at).padStart(4, "0");

const openGate: Gate = { allow: [], deny: [], toTls: "never", cors: undefined };

interface Place {
  readonly path: PathMatch;
  readonly conditions: readonly Condition[];
}

const everyPath: PathMatch = { kind: "prefix", path: "/" };

function httpPlaces({ matches = [] }: RouteRule<HttpMatch>): readonly Place[] {
  if (matches.length === 0) return [{ path: everyPath, conditions: [] }];
  return matches.map(({ path, headers, queryParams, method }) => ({
    path: httpPath(path),
    conditions: [
      ...(method === undefined ? [] : [{ kind: "method", method } as const]),
      ...named("header", headers),
      ...named("query", queryParams),
    ],
  }));
}

function httpPath(path: HttpMatch["path"]): PathMatch {
  const value = path?.value ?? "/";
  if (path?.type === "RegularExpression") return { kind: "pattern", text: `${value}$` };
  return { kind: path?.type === "Exact" ? "exact" : "prefix", path: specifiedPath(value) };
}

/** A method of gRPC is asked for by a POST to `/service/method`. */
function grpcPlaces({ matches = [] }: RouteRule<GrpcMatch>): readonly Place[] {
  if (matches.length === 0) return [{ path: everyPath, conditions: [] }];
  return matches.map(({ method: wanted, headers }) => {
    const { service, method } = wanted ?? {};
    const path: PathMatch =
      service !== undefined && method !== undefined
        ? { kind: "exact", path: `/${service}/${method}` }
        : service !== undefined
          ? { kind: "prefix", path: `/${service}` }
          : method !== undefined
            ? { kind: "pattern", text: `/[^/]+/${quoted(method)}$` }
            : everyPath;
    return { path, conditions: named("header", headers) };
  });
}

const quoted = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

function named(kind: "header" | "query", matches: readonly NamedMatch[] = []): readonly Condition[] {
  const seen = new Set<string>();
  return matches.flatMap(({ type = "Exact", name, value }) => {
    const key = kind === "header" ? name.toLowerCase() : name;
    // Of several for one name the first counts.
    if (seen.has(key)) return [];
    seen.add(key);
    const test: ValueTest = type === "Exact" ? { kind: "is", value } : { kind: "pattern", text: value };
    return [{ kind, name: key, test }];
  });
}

interface RuleParts {
  readonly path: PathMatch;
  readonly world: BackendWorld;
  readonly backends: Map<string, BackendRef>;
}

function actionOf(
  of: AnyRoute,
  { filters = [], backendRefs = [], timeouts = {} }: RouteRule<unknown>,
  { path, world, backends }: RuleParts,
): Action {
  const redirect = filters.find(({ requestRedirect }) => requestRedirect !== undefined)?.requestRedirect;
  if (redirect !== undefined)
    return {
      kind: "redirect",
      status: redirect.statusCode ?? 302,
      location: {
        scheme: redirect.scheme === "http" || redirect.scheme === "https" ? redirect.scheme : undefined,
        host: redirect.hostname,
        port: redirect.port,
        path: rewriteOf(redirect.path, path),
      },
    };
  const rewrite = filters.find(({ urlRewrite }) => urlRewrite !== undefined)?.urlRewrite;
  const settings: ForwardSettings = {
    ...plainSettings,
    protocol: of.kind === "GRPCRoute" ? "grpc" : "http",
    requestTimeoutMs: bound(timeouts.request),
    attemptTimeoutMs: bound(timeouts.backendRequest),
    rewrite: rewriteOf(rewrite?.path, path),
    host: rewrite?.hostname,
    ...headerEdits(filters),
  };
  const weighted = backendRefs.map((ref): WeightedBackend => {
    const weight = ref.weight ?? 1;
    const found = backendOf(of, ref, world);
    if ("fault" in found) return { backend: undefined, weight };
    const { isHttp2, ...where } = found;
    const named: BackendRef = { ...where, viaService: false };
    backends.set(backendKey(named), named);
    const both = headerEdits([...filters, ...(ref.filters ?? [])]);
    return {
      backend: backendKey(named),
      weight,
      own: { protocol: isHttp2 ? "grpc" : "http", ...both },
    };
  });
  return { kind: "forward", backends: weighted, settings };
}

/** Without what a route says: as Ingresses have it, and no bound of bodies. */
const plainSettings: ForwardSettings = {
  protocol: "http",
  connectTimeoutMs: 5_000,
  readTimeoutMs: 60_000,
  sendTimeoutMs: 60_000,
  requestTimeoutMs: undefined,
  attemptTimeoutMs: undefined,
  retry: { reasons: ["error", "timeout"], statuses: [], triesMost: 3, withinMs: undefined },
  bodyBytesMost: undefined,
  rewrite: undefined,
  appRoot: undefined,
  host: undefined,
  forwardedPrefix: undefined,
  affinity: undefined,
  requestHeaders: noEdits,
  responseHeaders: noEdits,
  tlsName: undefined,
};

/** 0: none. */
const bound = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : durationMs(text) || undefined;

function rewriteOf(path: PathModifier | undefined, matched: PathMatch): PathRewrite | undefined {
  if (path === undefined) return undefined;
  if (path.type === "ReplaceFullPath") return { kind: "whole", path: path.replaceFullPath ?? "/" };
  const prefix = matched.kind === "prefix" ? matched.path : "";
  return { kind: "prefix", prefix, path: path.replacePrefixMatch ?? "/" };
}

function headerEdits(
  filters: readonly RouteFilter[],
): Pick<ForwardSettings, "requestHeaders" | "responseHeaders"> {
  return {
    requestHeaders: editsOf(filters.map(({ requestHeaderModifier }) => requestHeaderModifier)),
    responseHeaders: editsOf(filters.map(({ responseHeaderModifier }) => responseHeaderModifier)),
  };
}

/** One after the other; those of a backend come after those of its rule. */
function editsOf(modifiers: readonly (HeaderModifier | undefined)[]): HeaderEdits {
  const set = new Map<string, string>();
  const add = new Map<string, string>();
  const remove = new Set<string>();
  for (const one of modifiers) {
    for (const name of one?.remove ?? []) {
      const key = name.toLowerCase();
      remove.add(key);
      set.delete(key);
      add.delete(key);
    }
    for (const { name, value } of one?.set ?? []) {
      set.set(name.toLowerCase(), value);
      add.delete(name.toLowerCase());
    }
    for (const { name, value } of one?.add ?? []) {
      const key = name.toLowerCase();
      const before = add.get(key);
      add.set(key, before === undefined ? value : `${before},${value}`);
    }
  }
  return { set: Object.fromEntries(set), add: Object.fromEntries(add), remove: [...remove] };
}
