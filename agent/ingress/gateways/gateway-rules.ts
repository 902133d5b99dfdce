import { createHash } from "node:crypto";
import type {
  AnyRoute,
  GrpcMatch,
  HeaderModifier,
  HttpMatch,
  BackendRef as NamedBackend,
  NamedMatch,
  PathModifier,
  RouteFilter,
  RouteRule,
} from "../../../client/gateway/gateway-types.ts";
import { type BackendWorld, backendOf } from "../../../client/gateway/route-backends.ts";
import { durationMs } from "../../../client/gateway/route-faults.ts";
import { type BackendRef, backendKey } from "../ingress-routes.ts";
import { plainSettings } from "../plain-settings.ts";
import { specifiedPath } from "../request-target.ts";
import {
  type Action,
  type Condition,
  type CookieAffinity,
  type Cors,
  type ForwardSettings,
  type Gate,
  type HeaderEdits,
  type PathMatch,
  type PathRewrite,
  type Retry,
  type Route,
  retryReasons,
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
    const id = `${of.kind} ${metadata.namespace}/${metadata.name} rules[${at}]`;
    return places.map(
      ({ path, conditions }, matchAt): Route => ({
        id,
        // Of a route's own rules the first that matches is taken.
        rank: `${rank} ${counted(at)} ${counted(matchAt)}`,
        path,
        conditions,
        isFallback: false,
        gate: { ...openGate, cors: corsOf(rule.filters ?? []) },
        action: actionOf(of, rule, { id, path, world, backends }),
      }),
    );
  });
  return { routes, backends: [...backends.values()] };
}

const counted = (at: number) => String(at).padStart(4, "0");

const openGate: Gate = { allow: [], deny: [], toTls: "never", cors: undefined, limits: undefined };

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

type Rule = RouteRule<unknown>;

interface RuleParts {
  readonly id: string;
  readonly path: PathMatch;
  readonly world: BackendWorld;
  readonly backends: Map<string, BackendRef>;
}

function actionOf(
  of: AnyRoute,
  { filters = [], backendRefs = [], timeouts = {}, retry, sessionPersistence }: RouteRule<unknown>,
  { id, path, world, backends }: RuleParts,
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
  const known = (ref: NamedBackend) => {
    const found = backendOf(of, ref, world);
    if ("fault" in found) return undefined;
    const { isHttp2, policy, ...where } = found;
    const trust = policy?.trust;
    // What is to be asked by TLS alone is not asked otherwise.
    if (policy !== undefined && trust === undefined) return undefined;
    const named: BackendRef = { ...where, viaService: false };
    backends.set(backendKey(named), named);
    const [plain, secure] = isHttp2 ? (["grpc", "grpcs"] as const) : (["http", "https"] as const);
    return { backend: backendKey(named), protocol: trust === undefined ? plain : secure, trust };
  };
  const rewrite = filters.find(({ urlRewrite }) => urlRewrite !== undefined)?.urlRewrite;
  const settings: ForwardSettings = {
    ...plainSettings,
    protocol: of.kind === "GRPCRoute" ? "grpc" : "http",
    requestTimeoutMs: bound(timeouts.request),
    attemptTimeoutMs: bound(timeouts.backendRequest),
    rewrite: rewriteOf(rewrite?.path, path),
    host: rewrite?.hostname,
    retry: retry === undefined ? plainSettings.retry : retryOf(retry),
    affinity: sessionPersistence === undefined ? undefined : affinityOf(sessionPersistence, id),
    mirrors: filters.flatMap(({ requestMirror }) => {
      if (requestMirror === undefined) return [];
      const named = known(requestMirror.backendRef);
      return named === undefined ? [] : [{ ...named, share: shareOf(requestMirror) }];
    }),
    ...headerEdits(filters),
  };
  const weighted = backendRefs.map((ref): WeightedBackend => {
    const weight = ref.weight ?? 1;
    const named = known(ref);
    if (named === undefined) return { backend: undefined, weight };
    const { backend, protocol, trust } = named;
    const both = headerEdits([...filters, ...(ref.filters ?? [])]);
    return { backend, weight, own: { protocol, trust, ...both } };
  });
  return { kind: "forward", backends: weighted, settings };
}

/** Retries without a number of them. */
const retriesDefault = 2;
const backoffMsDefault = 25;

/** Whoever asks for retries has requests repeated, whatever their method. */
function retryOf({ codes = [], attempts = retriesDefault, backoff }: NonNullable<Rule["retry"]>): Retry {
  return {
    reasons: retryReasons,
    statuses: codes,
    triesMost: 1 + attempts,
    withinMs: undefined,
    backoffMs: backoff === undefined ? backoffMsDefault : (durationMs(backoff) ?? 0),
    again: true,
  };
}

/** @param id Of the rule: without a name for it, its cookie is no other rule's. */
function affinityOf(
  { sessionName, absoluteTimeout, cookieConfig }: NonNullable<Rule["sessionPersistence"]>,
  id: string,
): CookieAffinity {
  const seconds = Math.ceil((durationMs(absoluteTimeout ?? "") ?? 0) / 1000) || undefined;
  return {
    cookie: sessionName ?? `gw-${createHash("sha256").update(id).digest("hex").slice(0, 16)}`,
    path: "/",
    domain: undefined,
    maxAgeSeconds: cookieConfig?.lifetimeType === "Permanent" ? seconds : undefined,
    expiresSeconds: undefined,
    sameSite: undefined,
    secure: undefined,
    changesOnFailure: true,
    absoluteSeconds: seconds,
  };
}

function shareOf({ percent, fraction }: NonNullable<RouteFilter["requestMirror"]>): number {
  if (fraction !== undefined) return fraction.numerator / (fraction.denominator ?? 100);
  return (percent ?? 100) / 100;
}

function corsOf(filters: readonly RouteFilter[]): Cors | undefined {
  const cors = filters.find((one) => one.cors !== undefined)?.cors;
  if (cors === undefined) return undefined;
  const { allowOrigins = [], allowMethods = [], allowHeaders = [], exposeHeaders = [] } = cors;
  const listed = (names: readonly string[]) => (names.length === 0 ? undefined : names.join(", "));
  return {
    origins: allowOrigins,
    wildcard: "anyLabels",
    methods: listed(allowMethods),
    headers: listed(allowHeaders),
    exposed: exposeHeaders.join(", "),
    withCredentials: cors.allowCredentials === true,
    maxAgeSeconds: cors.maxAge ?? 5,
    echoes: true,
  };
}

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
