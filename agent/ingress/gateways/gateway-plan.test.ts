import assert from "node:assert/strict";
import fc from "fast-check";
import { systemRandom } from "../../../base/os/random.ts";
import type {
  HttpMatch,
  HttpRoute,
  NamedMatch,
  ReferenceGrant,
} from "../../../client/gateway/gateway-types.ts";
import { gateway, gatewayClass, grant, httpRoute } from "../../../client/gateway/testing/gateway-objects.ts";
import type { Service } from "../../../client/types.ts";
import type { MatchedRequest } from "../conditions.ts";
import { DataPlane } from "../data-plane.ts";
import { type GatewayWorld, planGateways } from "./gateway-plan.ts";

const service = (name: string, more: object = {}): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: {
    name,
    namespace: "ns",
    uid: name,
    resourceVersion: "1",
    creationTimestamp: "2026-01-01T00:00:00Z",
  },
  spec: { clusterIP: "10.96.0.9", ports: [{ port: 80, ...more }] },
});

function world(
  more: Partial<GatewayWorld> & { readonly services?: Readonly<Record<string, Service>> },
): GatewayWorld {
  const services = more.services ?? { "ns/web": service("web") };
  return {
    classes: [gatewayClass()],
    gateways: [gateway("gw")],
    routes: [],
    grants: [],
    policies: [],
    configMap: () => undefined,
    namespaceLabels: () => ({}),
    service: (key) => services[key],
    ...more,
  };
}

function planeOf(given: GatewayWorld): DataPlane {
  const plane = new DataPlane({ certificatePem: "", keyPem: "" }, systemRandom);
  for (const change of planGateways(given).changes.values()) plane.apply(change);
  return plane;
}

const request = (more: Partial<MatchedRequest> = {}): MatchedRequest => ({
  host: "a.test",
  path: "/",
  method: "GET",
  query: "",
  header: () => undefined,
  share: 0,
  ...more,
});

const web = { name: "web", port: 80 };

describe("Gateway API: what a node does", () => {
  it("keeps the ports of Gateways apart, and listeners of a port", () => {
    const listeners = [
      { name: "all", port: 80, protocol: "HTTP" },
      { name: "a", port: 80, protocol: "HTTP", hostname: "a.test" },
    ];
    const plane = planeOf(
      world({
        gateways: [gateway("gw", { listeners }), gateway("other")],
        routes: [
          httpRoute("everything", { parentRefs: [{ name: "gw", sectionName: "all" }], rules: [{}] }),
          httpRoute("some", {
            parentRefs: [{ name: "gw", sectionName: "a" }],
            rules: [{ matches: [{ path: { value: "/x" } }] }],
          }),
        ],
      }),
    );
    const taken = (entry: string, host: string, path: string) =>
      plane.entry(entry).match(request({ host, path }))?.route.id ?? "none";
    assert.equal(taken("ns/gw:80", "b.test", "/x"), "HTTPRoute ns/everything rules[0]");
    assert.equal(taken("ns/gw:80", "a.test", "/x"), "HTTPRoute ns/some rules[0]");
    assert.equal(taken("ns/gw:80", "a.test", "/y"), "none", "a listener's requests are no other's");
    assert.equal(taken("ns/other:80", "b.test", "/x"), "none");
    assert.equal(taken("", "b.test", "/x"), "none", "nor those of Ingresses");
  });

  it("leads shares of backends that there are not to 500", () => {
    const backends = (ref: object, grants: readonly ReferenceGrant[] = []) => {
      const plan = planGateways(
        world({
          grants,
          routes: [httpRoute("r", { rules: [{ backendRefs: [{ ...web, ...ref } as never] }] })],
          services: {
            "ns/web": service("web"),
            "there/web": service("web"),
            "ns/h2": service("h2", { appProtocol: "kubernetes.io/h2c" }),
            "ns/out": {
              ...service("out"),
              spec: { type: "ExternalName", externalName: "x.test", ports: [{ port: 80 }] },
            },
          },
        }),
      );
      const routes = [...plan.changes.values()].flatMap((change) =>
        change.kind === "routes" ? change.hosts : [],
      );
      const action = routes[0]?.routes[0]?.action;
      return action?.kind === "forward"
        ? action.backends.map(({ backend, own }) => `${backend} ${own?.protocol ?? ""}`.trim())
        : undefined;
    };
    assert.deepEqual(backends({}), ["ns/web:80 http"]);
    assert.deepEqual(backends({ name: "h2" }), ["ns/h2:80 grpc"]);
    for (const ref of [
      { name: "gone" },
      { port: 81 },
      { kind: "ConfigMap" },
      { name: "out" },
      { namespace: "there" },
    ])
      assert.deepEqual(backends(ref), ["undefined"], JSON.stringify(ref));
    const allowed = grant("there", { kind: "HTTPRoute", namespace: "ns" }, { kind: "Service" });
    assert.deepEqual(backends({ namespace: "there" }, [allowed]), ["there/web:80 http"]);
  });

  it("serves nothing of a route that it cannot serve whole", () => {
    const rules = [{ filters: [{ type: "ExtensionRef" }], backendRefs: [web] }];
    assert.equal(
      planeOf(world({ routes: [httpRoute("r", { rules })] }))
        .entry("ns/gw:80")
        .match(request()),
      undefined,
    );
  });

  /** The specification's order, one line each. */
  function takenByTheBook(routes: readonly HttpRoute[], asked: MatchedRequest): string | undefined {
    const candidates = routes.flatMap(({ metadata, spec }) =>
      (spec.hostnames ?? [""]).flatMap((hostname) =>
        (spec.rules ?? []).flatMap((rule, at) =>
          (rule.matches ?? [{}]).map((match: HttpMatch) => ({ hostname, match, metadata, at })),
        ),
      ),
    );
    const holds = (
      matches: readonly NamedMatch[] | undefined,
      value: (name: string) => string | undefined | null,
    ) => (matches ?? []).every((one) => value(one.name) === one.value);
    const fitting = candidates.filter(({ hostname, match }) => {
      const { type = "PathPrefix", value = "/" } = match.path ?? {};
      const prefix = value === "/" ? "/" : `${value}/`;
      return (
        (hostname === "" ||
          hostname === asked.host ||
          (hostname.startsWith("*.") && asked.host.endsWith(hostname.slice(1)))) &&
        (type === "Exact" ? asked.path === value : `${asked.path}/`.startsWith(prefix)) &&
        (match.method === undefined || match.method === asked.method) &&
        holds(match.headers, asked.header) &&
        holds(match.queryParams, (name) => new URLSearchParams(asked.query).get(name))
      );
    });
    const keys = ({
      hostname,
      match,
      metadata,
      at,
    }: (typeof candidates)[number]): readonly (number | string)[] => [
      hostname === "" ? 2 : hostname.startsWith("*.") ? 1 : 0,
      -hostname.length,
      match.path?.type === "Exact" ? 0 : 1,
      -(match.path?.value ?? "/").length,
      match.method === undefined ? 1 : 0,
      -(match.headers?.length ?? 0),
      -(match.queryParams?.length ?? 0),
      metadata.creationTimestamp,
      `${metadata.namespace}/${metadata.name}`,
      at,
    ];
    const [first] = fitting.sort((a, b) => {
      const [x, y] = [keys(a), keys(b)];
      const differing = x.findIndex((one, index) => one !== y[index]);
      return differing < 0 ? 0 : (x[differing] ?? 0) < (y[differing] ?? 0) ? -1 : 1;
    });
    return first && `HTTPRoute ns/${first.metadata.name} rules[${first.at}]`;
  }

  it("takes the route that the specification's order of precedence says", () => {
    const path = fc.record({
      type: fc.constantFrom("Exact", "PathPrefix"),
      value: fc.constantFrom("/", "/a", "/a/b", "/ab"),
    });
    const named = (names: readonly string[]) =>
      fc
        .uniqueArray(fc.constantFrom(...names), { maxLength: 2 })
        .map((list) => list.map((name) => ({ name, value: "1" })));
    const match: fc.Arbitrary<HttpMatch> = fc.record(
      {
        path,
        method: fc.constantFrom("GET", "POST"),
        headers: named(["x", "y"]),
        queryParams: named(["p", "q"]),
      },
      { requiredKeys: [] },
    );
    const hostnames = fc.uniqueArray(fc.constantFrom("a.test", "b.a.test", "*.test", "*.a.test"), {
      maxLength: 2,
    });
    const route = fc.record({
      hostnames,
      rules: fc.array(fc.record({ matches: fc.array(match, { minLength: 1, maxLength: 2 }) }), {
        minLength: 1,
        maxLength: 3,
      }),
      year: fc.constantFrom("2024", "2025"),
    });
    const asked = fc.record({
      host: fc.constantFrom("a.test", "b.a.test", "c.b.a.test", "other"),
      path: fc.constantFrom("/", "/a", "/a/", "/a/b", "/a/b/c", "/ab", "/abc"),
      method: fc.constantFrom("GET", "POST"),
      query: fc.constantFrom("", "?p=1", "?q=1&p=1"),
      named: fc.subarray(["x", "y"]),
    });
    fc.assert(
      fc.property(
        fc.array(route, { minLength: 1, maxLength: 4 }),
        fc.array(asked, { minLength: 1, maxLength: 6 }),
        (made, all) => {
          const routes = made.map(({ hostnames, rules, year }, at) =>
            httpRoute(
              `r${at}`,
              { ...(hostnames.length > 0 && { hostnames }), rules },
              { creationTimestamp: `${year}-01-01T00:00:00Z` },
            ),
          );
          const entry = planeOf(world({ routes })).entry("ns/gw:80");
          for (const { named, ...one } of all) {
            const full = request({ ...one, header: (name) => (named.includes(name) ? "1" : undefined) });
            assert.equal(
              entry.match(full)?.route.id,
              takenByTheBook(
                routes.map(({ route }) => route),
                full,
              ),
              JSON.stringify(one),
            );
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
