import assert from "node:assert/strict";
import type { Ingress } from "../../client/types.ts";
import { ingressRule } from "./entry.ts";
import { planIngress } from "./ingress-routes.ts";
import { RoutingTable } from "./routing-table.ts";

const ingress = (spec: object, annotations: Record<string, string> = {}, name = "web"): Ingress =>
  ({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: {
      name,
      namespace: "ns",
      uid: name,
      creationTimestamp: "2026-01-01T00:00:00Z",
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
      ),
    },
    spec,
  }) as unknown as Ingress;

const to = (name: string, port: object = { number: 80 }) => ({ service: { name, port } });
const rule = (host: string | undefined, ...paths: readonly object[]) => ({
  ...(host !== undefined && { host }),
  http: { paths },
});

/** Which backend each request is taken to. */
function taken(
  plans: readonly Ingress[],
  requests: readonly string[],
  header: Record<string, string> = {},
  share = 50,
) {
  const table = new RoutingTable(ingressRule);
  for (const one of plans) table.set(one.metadata.name, planIngress(one).hosts);
  return requests.map((request) => {
    const [host = "", path] = request.split(/(?=\/)/, 2).concat("/");
    const at = request.indexOf("/");
    const match = table.match({
      host: at < 0 ? host : request.slice(0, at),
      path: at < 0 ? (path ?? "/") : request.slice(at),
      method: "GET",
      query: "",
      header: (name) => header[name],
      share,
    });
    const action = match?.route.action;
    if (action === undefined) return "404";
    return action.kind === "forward" ? action.backends[0]?.backend : `${action.kind} ${action.status}`;
  });
}

describe("what an Ingress has a node do", () => {
  it("leads hosts and paths to ports of Services, and the rest to the default backend", () => {
    const one = ingress({
      defaultBackend: to("rest"),
      rules: [
        rule("A.test", { path: "/a", pathType: "Prefix", backend: to("a", { name: "http" }) }),
        { host: "bare.test" },
      ],
    });
    assert.deepEqual(taken([one], ["a.test/a", "a.test/b", "bare.test/", "else.test/"]), [
      "ns/a:http",
      "ns/rest:80",
      "ns/rest:80",
      "ns/rest:80",
    ]);
    assert.deepEqual(planIngress(one).problems, []);
  });

  it("serves paths without a type or text as prefixes, and patterns where they are asked for", () => {
    const paths = [
      { pathType: "ImplementationSpecific", backend: to("root") },
      { path: "/v[0-9]+/x", pathType: "ImplementationSpecific", backend: to("v") },
      { path: "/only", pathType: "Exact", backend: to("only") },
    ];
    const asked = ["h.test/", "h.test/v1/x", "h.test/V12/x/y", "h.test/only", "h.test/only/x"];
    assert.deepEqual(taken([ingress({ rules: [rule("h.test", ...paths)] })], asked), [
      "ns/root:80",
      "ns/root:80",
      "ns/root:80",
      "ns/only:80",
      "ns/root:80",
    ]);
    assert.deepEqual(
      taken([ingress({ rules: [rule("h.test", ...paths)] }, { "use-regex": "true" })], asked),
      ["ns/root:80", "ns/v:80", "ns/v:80", "ns/only:80", "ns/root:80"],
    );
  });

  it("leaves out what it cannot read, and says so", () => {
    const plan = planIngress(
      ingress(
        {
          rules: [
            rule(
              "h.test",
              { path: "/(", pathType: "ImplementationSpecific", backend: to("a") },
              { path: "/r", pathType: "Prefix", backend: { resource: { kind: "Bucket", name: "b" } } },
            ),
          ],
        },
        { "use-regex": "true", "proxy-read-timeout": "soon" },
      ),
    );
    assert.equal(plan.problems.length, 3, plan.problems.join("\n"));
    assert.match(plan.problems.join("\n"), /paths\[0\].path: "\/\("[\s\S]*only Services/);
  });

  it("gives a canary its share, by header, cookie and weight", () => {
    const main = ingress({ rules: [rule("h.test", { path: "/", pathType: "Prefix", backend: to("main") })] });
    const canary = ingress(
      { rules: [rule("h.test", { path: "/", pathType: "Prefix", backend: to("canary") })] },
      { canary: "true", "canary-weight": "20", "canary-by-header": "X-Canary", "canary-by-cookie": "canary" },
      "canary",
    );
    const which = (header: Record<string, string>, share: number) =>
      taken([main, canary], ["h.test/"], header, share)[0];
    assert.equal(which({}, 19), "ns/canary:80");
    assert.equal(which({}, 20), "ns/main:80");
    assert.equal(which({ "x-canary": "always" }, 99), "ns/canary:80");
    assert.equal(which({ "x-canary": "never" }, 0), "ns/main:80");
    assert.equal(which({ cookie: "canary=always" }, 99), "ns/canary:80");
    assert.equal(which({ cookie: "canary=never" }, 0), "ns/main:80");
  });

  it("gives a canary its share of another total, and those whose header has a pattern in it", () => {
    const main = ingress({ rules: [rule("a.test", { path: "/", pathType: "Prefix", backend: to("web") })] });
    const canary = (annotations: Record<string, string>) =>
      ingress(
        { rules: [rule("a.test", { path: "/", pathType: "Prefix", backend: to("next") })] },
        { canary: "true", ...annotations },
        "canary",
      );
    const weighed = canary({ "canary-weight": "30", "canary-weight-total": "1000" });
    assert.deepEqual(taken([main, weighed], ["a.test/"], {}, 2.9), ["ns/next:80"]);
    assert.deepEqual(taken([main, weighed], ["a.test/"], {}, 3.1), ["ns/web:80"]);
    const patterned = canary({ "canary-by-header": "X-Who", "canary-by-header-pattern": "^(ann|bob)[0-9]" });
    for (const [who, service] of [
      ["ann1", "next"],
      ["bob2x", "next"],
      ["x ann1", "web"],
      ["ann", "web"],
    ] as const)
      assert.deepEqual(taken([main, patterned], ["a.test/"], { "x-who": who }), [`ns/${service}:80`], who);
    const odd = planIngress(canary({ "canary-by-header": "x", "canary-by-header-pattern": "(?=a)" }));
    assert.match(odd.problems.join(), /canary-by-header-pattern/);
  });

  it("leads clients of the host with or without www to the other one, unless that has routes", () => {
    const web = (host: string) => rule(host, { path: "/", pathType: "Prefix", backend: to("web") });
    const one = ingress({ rules: [web("www.a.test"), web("b.test")] }, { "from-to-www-redirect": "true" });
    const asked = ["a.test/x", "www.a.test/", "www.b.test/", "b.test/", "www.c.test/"];
    assert.deepEqual(taken([one], asked), ["redirect 308", "ns/web:80", "redirect 308", "ns/web:80", "404"]);
    const other = ingress({ rules: [web("a.test")] }, {}, "other");
    assert.deepEqual(taken([one, other], ["a.test/x"]), ["ns/web:80"]);
  });

  it("has certificates for the hosts named, or else those of the rules", () => {
    const rules = [rule("h.test", { path: "/", pathType: "Prefix", backend: to("a") })];
    const of = (tls: object[]) => planIngress(ingress({ tls, rules })).certificates;
    assert.deepEqual(of([{ hosts: ["X.test"], secretName: "s" }]), [{ host: "x.test", secret: "ns/s" }]);
    assert.deepEqual(of([{ secretName: "s" }]), [{ host: "h.test", secret: "ns/s" }]);
    assert.deepEqual(of([{ hosts: ["x.test"] }]), []);
  });

  it("closes routes whose ranges, or protection, it cannot read or has not", () => {
    const rules = [rule("h.test", { path: "/", pathType: "Prefix", backend: to("a") })];
    for (const annotations of [
      { "whitelist-source-range": "10.0.0.0/8,here" },
      { "denylist-source-range": "" },
      { "auth-type": "basic" },
      { "configuration-snippet": "deny all;" },
      { "backend-protocol": "FCGI" },
      { canary: "perhaps" },
    ])
      assert.deepEqual(
        taken([ingress({ rules }, annotations)], ["h.test/"]),
        ["refuse 503"],
        JSON.stringify(annotations),
      );
    for (const annotations of [
      { "ssl-passthrough": "false" },
      { "proxy-buffering": "off" },
      { "limit-rps": "1" },
    ])
      assert.deepEqual(
        taken([ingress({ rules }, annotations)], ["h.test/"]),
        ["ns/a:80"],
        JSON.stringify(annotations),
      );
  });

  it("never lets an annotation's text into a header or cookie of its own making", () => {
    const rules = [rule("h.test", { path: "/", pathType: "Prefix", backend: to("a") })];
    for (const [name, value] of [
      ["session-cookie-path", "/; Domain=x"],
      ["session-cookie-name", "a=b;"],
      ["permanent-redirect", "https://x\r\nSet-Cookie: a"],
      ["permanent-redirect", "javascript:alert(1)"],
      ["permanent-redirect", "//evil.test"],
      ["upstream-vhost", "a\r\nX: y"],
      ["x-forwarded-prefix", "/a\r\nX: y"],
      ["cors-allow-headers", "a\r\nX: y"],
      ["app-root", "/a\r\nX: y"],
      ["rewrite-target", "/a\r\nX: y"],
    ] as const) {
      const plan = planIngress(ingress({ rules }, { [name]: value }));
      assert.equal(plan.problems.length, 1, `${name}: ${JSON.stringify(plan.problems)}`);
    }
  });
});
