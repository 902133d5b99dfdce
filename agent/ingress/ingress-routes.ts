import type { Ingress } from "../../client/types.ts";
import { type AnnotationValues, annotatedWishes } from "./annotations.ts";
import { wildcardOf } from "./host-name.ts";
import { specifiedPath } from "./request-target.ts";
import {
  type Action,
  type Condition,
  type CookieAffinity,
  type Cors,
  type ForwardSettings,
  type Gate,
  type HostRoutes,
  noEdits,
  type PathMatch,
  type RateLimits,
  type Route,
} from "./route.ts";
import { pathPattern } from "./routing-table.ts";

/** What an Ingress has a node do. Pure. */
export interface IngressPlan {
  readonly hosts: readonly HostRoutes[];
  /** Which secret has the certificate of a host; "" for every host. */
  readonly certificates: readonly { readonly host: string; readonly secret: string }[];
  /** Ports of Services that its routes lead to. */
  readonly backends: readonly BackendRef[];
  /** What was left out of it, in words for its author. */
  readonly problems: readonly string[];
}

/** A port of a Service, by its name or number. */
export interface BackendRef {
  readonly namespace: string;
  readonly service: string;
  readonly port: string | number;
  /** The Service's own address is asked, and not its endpoints. */
  readonly viaService: boolean;
}

export const backendKey = ({ namespace, service, port, viaService }: BackendRef): string =>
  `${namespace}/${service}:${port}${viaService ? " via service" : ""}`;

const defaultBodyBytes = 1024 ** 2;

type Backend = NonNullable<NonNullable<Ingress["spec"]>["defaultBackend"]>;

export function planIngress({ metadata, spec }: Ingress): IngressPlan {
  const { namespace = "", name } = metadata;
  const { values, problems: annotationProblems, closedBy } = annotatedWishes(metadata.annotations ?? {});
  const problems = [...annotationProblems];
  const backends = new Map<string, BackendRef>();
  const rank = `${metadata.creationTimestamp ?? ""} ${namespace}/${name}`;
  const secured = securedHosts(spec);
  const settings = settingsOf(values);
  const isCanary = values.canary === true;

  const action = (backend: Backend | undefined, field: string): Action => {
    if (closedBy !== undefined) return { kind: "refuse", status: 503, why: `${closedBy} is not honoured` };
    const moved = redirectOf(values);
    if (moved !== undefined) return moved;
    const service = backend?.service;
    const port = service?.port?.name || service?.port?.number;
    if (service === undefined || port === undefined) {
      problems.push(`${field}: only Services with a port are served; it answers 503`);
      return { kind: "refuse", status: 503, why: "the backend is no Service" };
    }
    const ref = { namespace, service: service.name, port, viaService: values["service-upstream"] === true };
    backends.set(backendKey(ref), ref);
    return { kind: "forward", backends: [{ backend: backendKey(ref), weight: 1 }], settings };
  };
  const route = (
    host: string,
    more: Pick<Route, "path" | "isFallback" | "action"> & { part: string },
  ): Route[] => {
    const { part, ...what } = more;
    const made: Route = {
      id: `${namespace}/${name} ${part}`,
      rank,
      conditions: [],
      gate: gateOf(values, secured(host), `${namespace}/${name}`),
      ...what,
    };
    return isCanary ? canaries(made, values) : [made];
  };

  const hosts = new Map<string, Route[]>();
  const add = (host: string, routes: readonly Route[]) =>
    hosts.set(host, [...(hosts.get(host) ?? []), ...routes]);
  for (const [at, rule] of (spec.rules ?? []).entries()) {
    const host = (rule.host ?? "").toLowerCase();
    const paths = rule.http?.paths ?? [];
    for (const [pathAt, one] of paths.entries()) {
      const part = `rules[${at}].http.paths[${pathAt}]`;
      const match = pathMatch(one.path ?? "", one.pathType, values);
      if (match === undefined) {
        problems.push(
          `${part}.path: ${JSON.stringify(one.path)} is not a path or pattern that is known here; left out`,
        );
        continue;
      }
      add(
        host,
        route(host, { part, path: match, isFallback: false, action: action(one.backend, `${part}.backend`) }),
      );
    }
    // Without paths all of the host's traffic is the default backend's.
    if (paths.length === 0) add(host, []);
  }
  if (
    spec.defaultBackend !== undefined ||
    (values["permanent-redirect"] ?? values["temporal-redirect"]) !== undefined
  ) {
    const path = { kind: "prefix", path: "/" } as const;
    const ofAll = action(spec.defaultBackend, "defaultBackend");
    for (const host of new Set([...hosts.keys(), ""]))
      if (host !== "" || spec.defaultBackend !== undefined)
        add(host, route(host, { part: "defaultBackend", path, isFallback: true, action: ofAll }));
  }
  for (const alias of values["server-alias"] ?? []) {
    const main = [...hosts].find(([host]) => host !== "");
    if (!/^(\*\.)?[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(alias))
      problems.push(`server-alias: ${JSON.stringify(alias)} is not a host that is known here; left out`);
    else if (main !== undefined && !hosts.has(alias)) hosts.set(alias, main[1]);
  }
  if (values["from-to-www-redirect"] === true)
    for (const host of [...hosts.keys()]) {
      const other = host.startsWith("www.") ? host.slice(4) : `www.${host}`;
      if (host === "" || host.startsWith("*") || hosts.has(other)) continue;
      const to = { scheme: undefined, host, port: undefined, path: undefined };
      const moved: Action = { kind: "redirect", status: 308, location: to };
      // Whoever else has routes for that host keeps it.
      add(other, [
        {
          ...{ id: `${namespace}/${name} from-to-www-redirect`, rank, conditions: [], isFallback: true },
          path: { kind: "prefix", path: "/" },
          gate: { allow: [], deny: [], toTls: "never", cors: undefined, limits: undefined },
          action: moved,
        },
      ]);
    }
  return {
    hosts: [...hosts].map(([host, routes]) => ({ host, routes })),
    certificates: certificatesOf(spec, namespace),
    backends: [...backends.values()],
    problems,
  };
}

/** Whether a host is among those that have a certificate in the Ingress. */
function securedHosts({ tls = [], rules = [] }: Ingress["spec"]): (host: string) => boolean {
  const names = new Set(tls.flatMap(({ hosts }) => hosts ?? rules.map(({ host }) => host ?? "")));
  return (host) => names.has(host) || names.has(wildcardOf(host) ?? host) || (host === "" && tls.length > 0);
}

function certificatesOf(
  { tls = [], rules = [] }: Ingress["spec"],
  namespace: string,
): IngressPlan["certificates"] {
  return tls.flatMap(({ hosts, secretName }) =>
    secretName
      ? (hosts ?? rules.map(({ host }) => host ?? "")).map((host) => ({
          host: host.toLowerCase(),
          secret: `${namespace}/${secretName}`,
        }))
      : [],
  );
}

function pathMatch(path: string, type: string | undefined, values: AnnotationValues): PathMatch | undefined {
  const isRewritten = values["rewrite-target"] !== undefined;
  // With a rewrite ingress-nginx takes every path for a pattern; one without any of their marks is what its type says.
  const isPattern = values["use-regex"] === true || (isRewritten && /[()[\]{}*+?|^$\\]/.test(path));
  if (isPattern && path !== "") {
    const text = `${path.startsWith("^") ? path.slice(1) : path}${type === "Exact" ? "$" : ""}`;
    return pathPattern(text) === undefined ? undefined : { kind: "pattern", text };
  }
  if (path !== "" && !path.startsWith("/")) return undefined;
  const compared = specifiedPath(path === "" ? "/" : path);
  return { kind: type === "Exact" ? "exact" : "prefix", path: compared };
}

function redirectOf(values: AnnotationValues): Action | undefined {
  const permanent = values["permanent-redirect"];
  if (permanent !== undefined)
    return { kind: "redirect", status: values["permanent-redirect-code"] ?? 301, location: permanent };
  const temporal = values["temporal-redirect"];
  if (temporal !== undefined)
    return { kind: "redirect", status: values["temporal-redirect-code"] ?? 302, location: temporal };
  return undefined;
}

/** A canary's routes stand before those of the same path: by a header, by a cookie, by its share of what is left. */
function canaries(main: Route, values: AnnotationValues): Route[] {
  const { "canary-by-header": header, "canary-by-header-value": value, "canary-by-cookie": cookie } = values;
  const pattern = value === undefined ? values["canary-by-header-pattern"] : undefined;
  const percent = Math.min(
    100,
    (100 * (values["canary-weight"] ?? 0)) / (values["canary-weight-total"] ?? 100),
  );
  const made: Route[] = [];
  const others: Condition[] = [];
  const byName = (kind: "header" | "cookie", name: string, wanted: string, never: string | undefined) => {
    made.push({ ...main, conditions: [...others, { kind, name, test: { kind: "is", value: wanted } }] });
    if (never !== undefined) others.push({ kind, name, test: { kind: "isNot", value: never } });
  };
  if (header !== undefined && pattern !== undefined) {
    // It is looked for anywhere in the value.
    const test = { kind: "pattern", text: `(?s:.*)(?:${pattern})(?s:.*)` } as const;
    made.push({ ...main, conditions: [{ kind: "header", name: header.toLowerCase(), test }] });
  } else if (header !== undefined)
    byName("header", header.toLowerCase(), value ?? "always", value === undefined ? "never" : undefined);
  if (cookie !== undefined) byName("cookie", cookie, "always", "never");
  if (percent > 0) made.push({ ...main, conditions: [...others, { kind: "share", percent }] });
  return made;
}

/** ingress-nginx lets five times as many pass at once. */
const burstMultiplier = 5;

function limitsOf(values: AnnotationValues, owner: string): RateLimits | undefined {
  const times = values["limit-burst-multiplier"] ?? burstMultiplier;
  const rates = [
    { count: values["limit-rps"] ?? 0, seconds: 1 },
    { count: values["limit-rpm"] ?? 0, seconds: 60 },
  ].filter(({ count }) => count > 0);
  if (rates.length === 0) return undefined;
  return {
    owner,
    requests: rates.map(({ count, seconds }) => ({ perSecond: count / seconds, atOnce: count * times + 1 })),
    except: values["limit-whitelist"] ?? values["limit-allowlist"] ?? [],
  };
}

function gateOf(values: AnnotationValues, isSecured: boolean, owner: string): Gate {
  const toTls =
    values["force-ssl-redirect"] === true
      ? "always"
      : isSecured && values["ssl-redirect"] !== false
        ? "ifServed"
        : "never";
  return {
    allow: values["whitelist-source-range"] ?? values["allowlist-source-range"] ?? [],
    deny: values["denylist-source-range"] ?? [],
    toTls,
    cors: values["enable-cors"] === true ? corsOf(values) : undefined,
    limits: limitsOf(values, owner),
  };
}

function corsOf(values: AnnotationValues): Cors {
  return {
    origins: values["cors-allow-origin"] ?? ["*"],
    wildcard: "oneLabel",
    echoes: false,
    methods: values["cors-allow-methods"] ?? "GET, PUT, POST, DELETE, PATCH, OPTIONS",
    headers:
      values["cors-allow-headers"] ??
      "DNT, Keep-Alive, User-Agent, X-Requested-With, If-Modified-Since, Cache-Control, Content-Type, Range, Authorization",
    exposed: values["cors-expose-headers"] ?? "",
    withCredentials: values["cors-allow-credentials"] ?? true,
    maxAgeSeconds: values["cors-max-age"] ?? 1_728_000,
  };
}

function settingsOf(values: AnnotationValues): ForwardSettings {
  const protocol = (values["backend-protocol"]?.toLowerCase() ?? "http") as ForwardSettings["protocol"];
  const ms = (seconds: number | undefined, otherwise: number) => (seconds || otherwise) * 1000;
  const bytes = values["proxy-body-size"] ?? (protocol.startsWith("grpc") ? 0 : defaultBodyBytes);
  const within = values["proxy-next-upstream-timeout"];
  return {
    protocol,
    connectTimeoutMs: ms(values["proxy-connect-timeout"], 5),
    readTimeoutMs: ms(values["proxy-read-timeout"], 60),
    sendTimeoutMs: ms(values["proxy-send-timeout"], 60),
    retry: {
      ...(values["proxy-next-upstream"] ?? { reasons: ["error", "timeout"], statuses: [] }),
      triesMost: values["proxy-next-upstream-tries"] || 3,
      withinMs: within ? within * 1000 : undefined,
      backoffMs: 0,
      again: false,
    },
    mirrors: [],
    bodyBytesMost: bytes === 0 ? undefined : bytes,
    requestTimeoutMs: undefined,
    attemptTimeoutMs: undefined,
    rewrite:
      values["rewrite-target"] === undefined
        ? undefined
        : { kind: "pattern", text: values["rewrite-target"] },
    appRoot: values["app-root"],
    host: values["upstream-vhost"],
    forwardedPrefix: values["x-forwarded-prefix"],
    affinity: values.affinity === undefined ? undefined : affinityOf(values),
    requestHeaders: noEdits,
    responseHeaders: noEdits,
    tlsName: values["proxy-ssl-server-name"] === true ? values["proxy-ssl-name"] : undefined,
    trust: undefined,
  };
}

function affinityOf(values: AnnotationValues): CookieAffinity {
  return {
    cookie: values["session-cookie-name"] ?? "INGRESSCOOKIE",
    path: values["session-cookie-path"] ?? "/",
    domain: values["session-cookie-domain"],
    maxAgeSeconds: values["session-cookie-max-age"],
    expiresSeconds: values["session-cookie-expires"],
    sameSite: values["session-cookie-samesite"],
    secure: values["session-cookie-secure"],
    changesOnFailure: values["session-cookie-change-on-failure"] ?? false,
    absoluteSeconds: undefined,
  };
}
