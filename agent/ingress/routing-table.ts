import { RE2JS } from "re2js";
import { conditionsHold, type MatchedRequest } from "./conditions.ts";
import type { Condition, HostRoutes, Route } from "./route.ts";

/** By which texts a table knows a host, the narrowest first, and whether a wider one is asked where a narrower one has no route. */
export interface HostRule {
  readonly textsFor: (host: string) => readonly string[];
  readonly fallsThrough: boolean;
}

/** Which route a request takes. A narrower host comes before a wider one; within a host the longest path decides (of a pattern what
 *  stands before its first mark), then an exact one, then a condition on the method, then more conditions on headers, then more on
 *  queries, then the older owner.
 *  Where a host has no route for a path its own fallback answers, or else the one for every host.
 *  A change costs the hosts it names; a request a look at each length that paths of its host have. */
export class RoutingTable {
  /** Host -> owner -> its routes. */
  readonly #byHost = new Map<string, Map<string, readonly Route[]>>();
  readonly #hostsOf = new Map<string, readonly string[]>();
  /** Hosts as requests are looked up; what changed is made anew when it is asked for. */
  readonly #compiled = new Map<string, HostTable>();
  readonly #rule: HostRule;

  constructor(rule: HostRule) {
    this.#rule = rule;
  }

  /** Replaces all that this owner has. */
  set(owner: string, hosts: readonly HostRoutes[]): void {
    this.delete(owner);
    for (const { host, routes } of hosts) {
      const owners = this.#byHost.get(host) ?? new Map<string, readonly Route[]>();
      owners.set(owner, [...(owners.get(owner) ?? []), ...routes]);
      this.#byHost.set(host, owners);
      this.#compiled.delete(host);
    }
    if (hosts.length > 0)
      this.#hostsOf.set(
        owner,
        hosts.map(({ host }) => host),
      );
  }

  delete(owner: string): void {
    for (const host of this.#hostsOf.get(owner) ?? []) {
      const owners = this.#byHost.get(host);
      owners?.delete(owner);
      if (owners?.size === 0) this.#byHost.delete(host);
      this.#compiled.delete(host);
    }
    this.#hostsOf.delete(owner);
  }

  match(request: MatchedRequest): RouteMatch | undefined {
    for (const text of this.#rule.textsFor(request.host)) {
      const table = this.#of(text);
      if (table === undefined) continue;
      const found = table.match(request) ?? table.fallback(request);
      if (found !== undefined || !this.#rule.fallsThrough) return found ?? this.#of("")?.fallback(request);
    }
    return undefined;
  }

  #of(host: string): HostTable | undefined {
    const known = this.#compiled.get(host);
    if (known !== undefined) return known;
    const owners = this.#byHost.get(host);
    if (owners === undefined) return undefined;
    const made = new HostTable([...owners.values()].flat());
    this.#compiled.set(host, made);
    return made;
  }
}

export interface RouteMatch {
  readonly route: Route;
  /** What the groups of the path's pattern matched, from the first one on. */
  readonly groups: readonly string[];
}

interface Found {
  readonly routes: readonly Route[];
  readonly groups: readonly string[];
}

/** All prefixes of one length, or one pattern. */
interface Place {
  /** Of what a path that fits begins with for certain. */
  readonly length: number;
  /** Of the text that says so. */
  readonly textLength: number;
  readonly find: (path: string) => Found | undefined;
}

const noGroups: readonly string[] = [];
const slash = 0x2f;

class HostTable {
  readonly #exact = new Map<string, Route[]>();
  /** Longest first. */
  readonly #places: readonly Place[];
  readonly #fallbacks: readonly Route[];

  constructor(routes: readonly Route[]) {
    const inOrder = routes
      .map((route) => ({ route, weights: weightsOf(route) }))
      .sort(inPrecedence)
      .map(({ route }) => route);
    this.#fallbacks = inOrder.filter(({ isFallback }) => isFallback);
    const prefixes = new Map<number, Map<string, Route[]>>();
    const patterns = new Map<string, Route[]>();
    for (const route of inOrder) {
      const { path, isFallback } = route;
      if (isFallback) continue;
      if (path.kind === "exact") put(this.#exact, path.path, route);
      else if (path.kind === "pattern") put(patterns, path.text, route);
      else {
        const prefix = path.path.endsWith("/") ? path.path.slice(0, -1) : path.path;
        const ofLength = prefixes.get(prefix.length) ?? new Map<string, Route[]>();
        prefixes.set(prefix.length, ofLength);
        put(ofLength, prefix, route);
      }
    }
    this.#places = [
      ...[...prefixes].map(([length, ofLength]) => prefixPlace(length, ofLength)),
      ...[...patterns].map(([text, ofText]) => patternPlace(text, ofText)),
    ].sort((a, b) => b.length - a.length || b.textLength - a.textLength);
  }

  match(request: MatchedRequest): RouteMatch | undefined {
    const exact = this.#exact
      .get(request.path)
      ?.find(({ conditions }) => conditionsHold(conditions, request));
    if (exact !== undefined) return { route: exact, groups: noGroups };
    for (const place of this.#places) {
      const found = place.find(request.path);
      const route = found?.routes.find(({ conditions }) => conditionsHold(conditions, request));
      if (found !== undefined && route !== undefined) return { route, groups: found.groups };
    }
    return undefined;
  }

  fallback(request: MatchedRequest): RouteMatch | undefined {
    const route = this.#fallbacks.find(({ conditions }) => conditionsHold(conditions, request));
    return route && { route, groups: noGroups };
  }
}

/** By what routes of one path are compared, what decides first first: greater comes first. */
function weightsOf({ conditions }: Route): readonly number[] {
  const count = (kind: Condition["kind"]) => conditions.filter((one) => one.kind === kind).length;
  return [count("method"), count("header") + count("cookie"), count("query"), conditions.length];
}

interface Weighed {
  readonly route: Route;
  readonly weights: readonly number[];
}

function inPrecedence(a: Weighed, b: Weighed): number {
  for (const [at, weight] of a.weights.entries()) {
    const difference = (b.weights[at] ?? 0) - weight;
    if (difference !== 0) return difference;
  }
  return a.route.rank === b.route.rank ? 0 : a.route.rank < b.route.rank ? -1 : 1;
}

function put(map: Map<string, Route[]>, key: string, route: Route): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [route]);
  else list.push(route);
}

/** Whole segments: `/shop` is no prefix of `/shopping`. */
function prefixPlace(length: number, ofLength: ReadonlyMap<string, readonly Route[]>): Place {
  return {
    length,
    textLength: length,
    find(path) {
      if (path.length !== length && path.charCodeAt(length) !== slash) return undefined;
      const routes = ofLength.get(path.slice(0, length));
      return routes && { routes, groups: noGroups };
    },
  };
}

function patternPlace(text: string, routes: readonly Route[]): Place {
  const pattern = pathPattern(text);
  return {
    length: /^[^()[\]{}*+?|^$\\.]*/.exec(text)?.[0].length ?? 0,
    textLength: text.length,
    find(path) {
      const found = pattern?.matcher(path);
      if (!found?.find()) return undefined;
      return {
        routes,
        groups: Array.from({ length: found.groupCount() }, (_, at) => found.group(at + 1) ?? ""),
      };
    },
  };
}

/** Undefined where it is no pattern of RE2's syntax. */
export function pathPattern(text: string): RE2JS | undefined {
  try {
    return RE2JS.compile(`^(?:${text})`, RE2JS.CASE_INSENSITIVE | RE2JS.DOTALL);
  } catch {
    return undefined;
  }
}
