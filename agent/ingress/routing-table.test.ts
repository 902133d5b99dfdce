import assert from "node:assert/strict";
import fc from "fast-check";
import type { MatchedRequest } from "./conditions.ts";
import { ingressRule } from "./entry.ts";
import type { Condition, HostRoutes, PathMatch, Route } from "./route.ts";
import { RoutingTable } from "./routing-table.ts";

const action = { kind: "refuse", status: 503, why: "" } as const;
const gate = { allow: [], deny: [], toTls: "never", cors: undefined, limits: undefined } as const;

/** `= /a` exact, `~ /a.*` a pattern, `*` a fallback, anything else a prefix. */
function route(id: string, text: string, more: Partial<Route> = {}): Route {
  const path: PathMatch = text.startsWith("= ")
    ? { kind: "exact", path: text.slice(2) }
    : text.startsWith("~ ")
      ? { kind: "pattern", text: text.slice(2) }
      : { kind: "prefix", path: text === "*" ? "/" : text };
  return { id, rank: id, path, conditions: [], isFallback: text === "*", gate, action, ...more };
}

/** `host: path path …`, one line a host; a route is called by its host and path. */
function table(...lines: readonly string[]): RoutingTable {
  const made = new RoutingTable(ingressRule);
  for (const [at, line] of lines.entries()) {
    const [host = "", ...paths] = line.split("|").map((part) => part.trim());
    made.set(`owner-${at}`, [{ host, routes: paths.map((path) => route(`${host} ${path}`, path)) }]);
  }
  return made;
}

const request = (host: string, path: string, more: Partial<MatchedRequest> = {}): MatchedRequest => ({
  host,
  path,
  method: "GET",
  query: "",
  header: () => undefined,
  share: 50,
  ...more,
});

const taken = (routes: RoutingTable, host: string, path: string, more: Partial<MatchedRequest> = {}) =>
  routes.match(request(host, path, more))?.route.id ?? "none";

describe("the routing table", () => {
  /** The examples of the specification of Ingress: kind, paths, request, and whether it fits. */
  const examples: readonly (readonly [paths: string, request: string, taken: string])[] = [
    ["/", "/anything", "/"],
    ["= /foo", "/foo", "= /foo"],
    ["= /foo", "/bar", "none"],
    ["= /foo", "/foo/", "none"],
    ["= /foo/", "/foo", "none"],
    ["/foo", "/foo", "/foo"],
    ["/foo", "/foo/", "/foo"],
    ["/foo/", "/foo", "/foo/"],
    ["/foo/", "/foo/", "/foo/"],
    ["/aaa/bb", "/aaa/bbb", "none"],
    ["/aaa/bbb", "/aaa/bbb", "/aaa/bbb"],
    ["/aaa/bbb/", "/aaa/bbb", "/aaa/bbb/"],
    ["/aaa/bbb", "/aaa/bbb/", "/aaa/bbb"],
    ["/aaa/bbb", "/aaa/bbb/ccc", "/aaa/bbb"],
    ["/aaa/bbb", "/aaa/bbbxyz", "none"],
    ["/|/aaa", "/aaa/ccc", "/aaa"],
    ["/aaa|/", "/aaa/ccc", "/aaa"],
    ["/|/aaa", "/ccc", "/"],
    ["/|/aaa|/aaa/bbb", "/aaa/bbb", "/aaa/bbb"],
    ["/foo|= /foo", "/foo", "= /foo"],
    ["/foo|= /foo", "/foo/", "/foo"],
  ];
  for (const [paths, asked, expected] of examples)
    it(`of ${paths} takes ${expected} for ${asked}`, () => {
      const id = taken(table(`h.example|${paths}`), "h.example", asked);
      assert.equal(id.replace("h.example ", ""), expected);
    });

  it("prefers an exact host to a wildcard, and that to every host", () => {
    const routes = table("foo.bar.com|/a", "*.bar.com|/", "|/");
    assert.equal(taken(routes, "foo.bar.com", "/a"), "foo.bar.com /a");
    assert.equal(taken(routes, "baz.bar.com", "/a"), "*.bar.com /");
    assert.equal(taken(routes, "baz.foo.bar.com", "/"), " /", "a wildcard stands for one label");
    assert.equal(taken(routes, "bar.com", "/"), " /");
    assert.equal(taken(routes, "foo.bar.com", "/other"), "none", "a host that has routes has no others'");
  });

  it("falls back within the host, then to what is for every host", () => {
    const routes = table("a.com|/x|*", "b.com|/x", "|*");
    assert.equal(taken(routes, "a.com", "/y"), "a.com *");
    assert.equal(taken(routes, "b.com", "/y"), " *");
    assert.equal(taken(routes, "c.com", "/y"), " *");
  });

  it("takes the longest of prefixes and patterns, and tells what groups matched", () => {
    const routes = table("h|/api|~ /api/v[0-9]+/(.*)|~ /(.*)");
    const found = routes.match(request("h", "/API/v2/users"));
    assert.equal(found?.route.id, "h ~ /api/v[0-9]+/(.*)");
    assert.deepEqual(found?.groups, ["users"]);
    assert.equal(taken(routes, "h", "/api/x"), "h /api");
    assert.equal(taken(routes, "h", "/x"), "h ~ /(.*)");
  });

  it("has the older owner win, and more conditions win over age", () => {
    const routes = new RoutingTable(ingressRule);
    const green: Condition = { kind: "header", name: "x-color", test: { kind: "is", value: "green" } };
    routes.set("new", [{ host: "h", routes: [route("new", "/", { rank: "2" })] }]);
    routes.set("old", [{ host: "h", routes: [route("old", "/", { rank: "1" })] }]);
    routes.set("green", [{ host: "h", routes: [route("green", "/", { rank: "3", conditions: [green] })] }]);
    assert.equal(taken(routes, "h", "/"), "old");
    assert.equal(
      taken(routes, "h", "/", { header: (name) => (name === "x-color" ? "green" : undefined) }),
      "green",
    );
    routes.delete("old");
    assert.equal(taken(routes, "h", "/"), "new");
    routes.delete("new");
    assert.equal(taken(routes, "h", "/"), "none");
  });

  it("looks at methods, queries, cookies and shares", () => {
    const one = (condition: Condition) => {
      const routes = new RoutingTable(ingressRule);
      routes.set("o", [{ host: "h", routes: [route("o", "/", { conditions: [condition] })] }]);
      return (more: Partial<MatchedRequest>) => taken(routes, "h", "/", more) === "o";
    };
    const post = one({ kind: "method", method: "POST" });
    assert.deepEqual([post({ method: "POST" }), post({})], [true, false]);
    const query = one({ kind: "query", name: "v", test: { kind: "pattern", text: "[0-9]+" } });
    assert.deepEqual(
      [query({ query: "?a=1&v=22" }), query({ query: "?v=2x" }), query({})],
      [true, false, false],
    );
    const cookie = one({ kind: "cookie", name: "c", test: { kind: "is", value: "always" } });
    assert.deepEqual(
      [cookie({ header: () => "b=2; c=always" }), cookie({ header: () => "cc=always" })],
      [true, false],
    );
    const share = one({ kind: "share", percent: 10 });
    assert.deepEqual([share({ share: 9.9 }), share({ share: 10 })], [true, false]);
  });

  it("changed step by step is the same as made anew", () => {
    const path = fc.constantFrom("/", "/a", "/a/b", "= /a", "= /a/b", "~ /a.*", "*");
    const host = fc.constantFrom("", "x.com", "*.x.com", "y.x.com");
    const hosts = fc.array(fc.record({ host, paths: fc.array(path, { maxLength: 3 }) }), { maxLength: 3 });
    const step = fc.record({ owner: fc.constantFrom("1", "2", "3"), hosts: fc.option(hosts) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const changed = new RoutingTable(ingressRule);
        const last = new Map<string, readonly HostRoutes[]>();
        for (const { owner, hosts } of steps) {
          const made = (hosts ?? []).map(({ host, paths }) => ({
            host,
            routes: paths.map((one) => route(`${owner} ${host} ${one}`, one)),
          }));
          if (hosts === null) changed.delete(owner);
          else changed.set(owner, made);
          last.set(owner, made);
          taken(changed, "y.x.com", "/a"); // what is looked up is kept
        }
        const anew = new RoutingTable(ingressRule);
        for (const [owner, made] of last) anew.set(owner, made);
        for (const asked of ["x.com", "y.x.com", "z.x.com", "else"])
          for (const to of ["/", "/a", "/a/b", "/a/b/c", "/ab"])
            assert.equal(taken(changed, asked, to), taken(anew, asked, to), `${asked}${to}`);
      }),
    );
  });
});
