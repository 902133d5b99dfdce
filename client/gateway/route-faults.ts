import { RE2JS } from "re2js";
import { readGoDuration } from "../rules/go-duration.ts";
import type { AnyRoute, NamedMatch, RouteFilter, RouteRule } from "./gateway-types.ts";
import type { Fault } from "./listeners.ts";

/** What a route asks for that is not done here: such a route is not accepted, and none of its rules served. Pure. */
export function routeFault(of: AnyRoute): Fault | undefined {
  const rules = of.route.spec.rules ?? [];
  for (const [at, rule] of rules.entries()) {
    const field = `rules[${at}]`;
    const refuse = (name: string, why: string): Fault => ({
      reason: "UnsupportedValue",
      message: `${field}.${name}: ${why}`,
    });
    const retry = retryFault(of.kind, rule.retry);
    if (retry !== undefined) return refuse("retry", retry);
    const session = sessionFault(rule.sessionPersistence);
    if (session !== undefined) return refuse("sessionPersistence", session);
    for (const name of ["request", "backendRequest"] as const) {
      const text = rule.timeouts?.[name];
      if (text !== undefined && durationMs(text) === undefined)
        return refuse(`timeouts.${name}`, `${JSON.stringify(text)} is no span of time`);
    }
    const filters = filtersFault(rule.filters ?? [], `${field}.filters`, ruleFilters[of.kind]);
    if (filters !== undefined) return filters;
    for (const [backendAt, backend] of (rule.backendRefs ?? []).entries()) {
      const place = `${field}.backendRefs[${backendAt}].filters`;
      const fault = filtersFault(backend.filters ?? [], place, backendFilters);
      if (fault !== undefined) return fault;
    }
  }
  return of.kind === "HTTPRoute" ? httpMatchFault(of.route.spec) : grpcMatchFault(of.route.spec);
}

/** Undefined for what is no span; 0: none is meant. */
export function durationMs(text: string): number | undefined {
  const read = readGoDuration(text);
  return read.ok && read.nanoseconds >= 0 ? Math.ceil(read.nanoseconds / 1e6) : undefined;
}

const retriesMost = 100;

function retryFault(kind: AnyRoute["kind"], retry: RouteRule<unknown>["retry"]): string | undefined {
  if (retry === undefined) return undefined;
  const { codes = [], attempts = 1, backoff = "0s" } = retry;
  if (kind !== "HTTPRoute") return "is not honoured here";
  if (!codes.every((code) => Number.isInteger(code) && code >= 400 && code <= 599))
    return "codes: are statuses from 400 to 599";
  if (!Number.isInteger(attempts) || attempts < 1 || attempts > retriesMost)
    return `attempts: from 1 to ${retriesMost} are made here`;
  return durationMs(backoff) === undefined
    ? `backoff: ${JSON.stringify(backoff)} is no span of time`
    : undefined;
}

function sessionFault(session: RouteRule<unknown>["sessionPersistence"]): string | undefined {
  if (session === undefined) return undefined;
  const { sessionName, absoluteTimeout, type = "Cookie", cookieConfig } = session;
  const lifetime = cookieConfig?.lifetimeType ?? "Session";
  const others = Object.keys(session).filter((name) => !sessionFields.has(name));
  if (others.length > 0) return `${others.join(", ")}: is not honoured here`;
  if (type !== "Cookie") return `type: only Cookie is known here`;
  if (sessionName !== undefined && !(token.test(sessionName) && sessionName.length <= 128))
    return "sessionName: is no name of a cookie";
  if (lifetime !== "Session" && lifetime !== "Permanent")
    return "cookieConfig.lifetimeType: is not known here";
  if (absoluteTimeout === undefined)
    return lifetime === "Permanent" ? "absoluteTimeout: a permanent cookie needs one" : undefined;
  return (durationMs(absoluteTimeout) ?? 0) > 0 ? undefined : "absoluteTimeout: is no span of time";
}

const sessionFields: ReadonlySet<string> = new Set([
  "sessionName",
  "absoluteTimeout",
  "type",
  "cookieConfig",
]);

const backendFilters = ["RequestHeaderModifier", "ResponseHeaderModifier"];
const ruleFilters: Readonly<Record<AnyRoute["kind"], readonly string[]>> = {
  HTTPRoute: [...backendFilters, "RequestRedirect", "URLRewrite", "RequestMirror", "CORS"],
  GRPCRoute: [...backendFilters, "RequestMirror"],
};

function filtersFault(
  filters: readonly RouteFilter[],
  field: string,
  known: readonly string[],
): Fault | undefined {
  const types = filters.map(({ type }) => type);
  const strange = types.find((type) => !known.includes(type));
  if (strange !== undefined)
    return {
      reason: "UnsupportedValue",
      message: `${field}: ${JSON.stringify(strange)} is not honoured here`,
    };
  if (types.includes("RequestRedirect") && types.includes("URLRewrite"))
    return {
      reason: "IncompatibleFilters",
      message: `${field}: a request is redirected or rewritten, not both`,
    };
  if (types.includes("RequestRedirect") && types.includes("RequestMirror"))
    return {
      reason: "IncompatibleFilters",
      message: `${field}: a request that is redirected is nobody's to be copied`,
    };
  const single = types.filter((type) => type !== "RequestMirror");
  if (new Set(single).size !== single.length)
    return { reason: "IncompatibleFilters", message: `${field}: one of a type is what there can be` };
  const bad = filters.find((filter) => !isWritable(filter));
  return (
    bad && {
      reason: "UnsupportedValue",
      message: `${field}: ${bad.type} has a value that cannot stand in a request or an answer`,
    }
  );
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;
const headerText = /^[\t\x20-\x7e\x80-\xff]*$/;
const hostText = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
/** Framed anew, or said by us. */
const notEdited: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "host",
  "transfer-encoding",
  "upgrade",
]);
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** The definitions' schemas say so, too; whoever wrote those, nothing else gets as far as a connection. */
function isWritable(filter: RouteFilter): boolean {
  const { requestHeaderModifier, responseHeaderModifier, requestRedirect, urlRewrite } = filter;
  for (const one of [requestHeaderModifier, responseHeaderModifier]) {
    const values = [...(one?.set ?? []), ...(one?.add ?? [])];
    const names = [...values.map(({ name }) => name), ...(one?.remove ?? [])];
    if (!values.every(({ value }) => headerText.test(value))) return false;
    if (!names.every((name) => token.test(name) && !notEdited.has(name.toLowerCase()))) return false;
  }
  for (const one of [requestRedirect, urlRewrite])
    if (one?.hostname !== undefined && !hostText.test(one.hostname)) return false;
  const { scheme = "http", statusCode = 302, port = 80 } = requestRedirect ?? {};
  if (!isShare(filter.requestMirror) || !isCors(filter.cors)) return false;
  const isPort = Number.isInteger(port) && port >= 1 && port <= 65_535;
  return isPort && redirectStatuses.has(statusCode) && (scheme === "http" || scheme === "https");
}

function isShare(mirror: RouteFilter["requestMirror"]): boolean {
  const { percent = 0, fraction } = mirror ?? {};
  const { numerator = 0, denominator = 100 } = fraction ?? {};
  const isCount = (one: number) => Number.isInteger(one) && one >= 0;
  if (mirror?.percent !== undefined && fraction !== undefined) return false;
  return (
    isCount(percent) &&
    percent <= 100 &&
    isCount(numerator) &&
    isCount(denominator) &&
    numerator <= denominator
  );
}

const originText = /^(\*|https?:\/\/(\*|(\*\.)?[A-Za-z0-9]([-A-Za-z0-9.]{0,251}[A-Za-z0-9])?)(:\d{1,5})?)$/;

function isCors(cors: RouteFilter["cors"]): boolean {
  const {
    allowOrigins = [],
    allowMethods = [],
    allowHeaders = [],
    exposeHeaders = [],
    maxAge = 5,
  } = cors ?? {};
  return (
    allowOrigins.every((one) => originText.test(one)) &&
    [...allowMethods, ...allowHeaders, ...exposeHeaders].every((one) => token.test(one)) &&
    Number.isInteger(maxAge) &&
    maxAge >= 1
  );
}

type HttpSpec = Extract<AnyRoute, { kind: "HTTPRoute" }>["route"]["spec"];
type GrpcSpec = Extract<AnyRoute, { kind: "GRPCRoute" }>["route"]["spec"];

function httpMatchFault({ rules = [] }: HttpSpec): Fault | undefined {
  for (const [at, { matches = [] }] of rules.entries())
    for (const [matchAt, { path, headers = [], queryParams = [] }] of matches.entries()) {
      const field = `rules[${at}].matches[${matchAt}]`;
      const isPattern = path?.type === "RegularExpression";
      if (!["Exact", "PathPrefix", "RegularExpression"].includes(path?.type ?? "PathPrefix"))
        return { reason: "UnsupportedValue", message: `${field}.path.type: is not known here` };
      if (isPattern && !isReadable(path?.value ?? ""))
        return { reason: "UnsupportedValue", message: `${field}.path.value: is no pattern of RE2's syntax` };
      const fault =
        namedFault(headers, `${field}.headers`) ?? namedFault(queryParams, `${field}.queryParams`);
      if (fault !== undefined) return fault;
    }
  return undefined;
}

function grpcMatchFault({ rules = [] }: GrpcSpec): Fault | undefined {
  for (const [at, { matches = [] }] of rules.entries())
    for (const [matchAt, { method, headers = [] }] of matches.entries()) {
      const field = `rules[${at}].matches[${matchAt}]`;
      if ((method?.type ?? "Exact") !== "Exact")
        return { reason: "UnsupportedValue", message: `${field}.method.type: only Exact is known here` };
      const fault = namedFault(headers, `${field}.headers`);
      if (fault !== undefined) return fault;
    }
  return undefined;
}

function namedFault(matches: readonly NamedMatch[], field: string): Fault | undefined {
  for (const { type = "Exact", name, value } of matches) {
    if (type !== "Exact" && type !== "RegularExpression")
      return {
        reason: "UnsupportedValue",
        message: `${field}: type ${JSON.stringify(type)} is not known here`,
      };
    if (type === "RegularExpression" && !isReadable(value))
      return {
        reason: "UnsupportedValue",
        message: `${field}: the value for ${JSON.stringify(name)} is no pattern of RE2's syntax`,
      };
  }
  return undefined;
}

function isReadable(pattern: string): boolean {
  try {
    RE2JS.compile(pattern);
    return true;
  } catch {
    return false;
  }
}
