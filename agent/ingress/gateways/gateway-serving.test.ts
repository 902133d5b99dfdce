import assert from "node:assert/strict";
import { request as httpsRequest } from "node:https";
import { createAuthority, issueCertificate } from "../../../base/os/pki.ts";
import type { HttpRoute } from "../../../client/gateway/gateway-types.ts";
import { GatewayRig } from "../testing/gateway-rig.ts";
import type { ServingRig } from "../testing/serving-rig.ts";

/** What clients of a Gateway get, over real connections. */
describe("Gateway API: what is answered", () => {
  let gatewayRig: GatewayRig;
  let rig: ServingRig;

  beforeEach(async () => {
    gatewayRig = await GatewayRig.open();
    rig = gatewayRig.rig;
  });
  afterEach(() => rig.close());

  const serve = (rules: HttpRoute["spec"]["rules"]) => gatewayRig.serve(rules);
  const ask = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
    const answer = await gatewayRig.ask(path, { headers });
    return { ...answer, location: answer.headers.location };
  };
  const web = { name: "web", port: 80 };
  const echo = () =>
    rig.backend("web", (request, response) => {
      response.setHeader("x-from", "web");
      response.end(JSON.stringify({ url: request.url, ...request.headers }));
    });

  it("is what a route's backends answer, and nothing that Ingresses are for", async () => {
    await echo();
    serve([{ backendRefs: [web] }]);
    assert.match((await ask("/a")).text, /"url":"\/a"/);
    rig.ingress("a.test", { "/": "other" });
    assert.equal((await ask("/a")).status, 200);
    serve([]);
    assert.equal((await ask("/a")).status, 404);
  });

  it("is 500 for the share of what is not there, and 503 where no endpoint is ready", async () => {
    serve([
      { matches: [{ path: { value: "/none" } }], backendRefs: [{ name: "none", port: 80 }] },
      { matches: [{ path: { value: "/omitted" } }] },
      { matches: [{ path: { value: "/zero" } }], backendRefs: [{ ...web, weight: 0 }] },
      { matches: [{ path: { value: "/idle" } }], backendRefs: [web] },
    ]);
    for (const [path, status] of [
      ["/none", 500],
      ["/omitted", 500],
      ["/zero", 500],
      ["/idle", 503],
    ] as const)
      assert.equal((await ask(path)).status, status, path);
  });

  it("leads clients elsewhere, part by part", async () => {
    const to = (requestRedirect: object) => [{ type: "RequestRedirect", requestRedirect }];
    const cases: readonly (readonly [object, string, string])[] = [
      [{}, "/x/y?q=1", "http://a.test/x/y?q=1"],
      [{ scheme: "https" }, "/x", "https://a.test/x"],
      [{ hostname: "b.test", port: 8080 }, "/x", "http://b.test:8080/x"],
      [{ scheme: "https", port: 443 }, "/x", "https://a.test/x"],
      [{ path: { type: "ReplaceFullPath", replaceFullPath: "/z" } }, "/x/y?q=1", "http://a.test/z?q=1"],
      [{ path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/z/" } }, "/x/y", "http://a.test/z/y"],
      [{ path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/" } }, "/x/y", "http://a.test/y"],
      [{ path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/" } }, "/x", "http://a.test/"],
    ];
    for (const [redirect, path, location] of cases) {
      serve([{ matches: [{ path: { value: "/x" } }], filters: to(redirect) }]);
      assert.deepEqual([(await ask(path)).status, (await ask(path)).location], [302, location]);
    }
    for (const [value, location] of [
      ["/", "http://a.test/z/x/y"],
      ["/x/", "http://a.test/z/y"],
    ] as const) {
      const path = { type: "ReplacePrefixMatch", replacePrefixMatch: "/z" };
      serve([{ matches: [{ path: { value } }], filters: to({ path }) }]);
      assert.equal((await ask("/x/y")).location, location);
    }
    serve([{ filters: to({ statusCode: 308 }) }]);
    assert.equal((await ask("/")).status, 308);
  });

  it("passes requests on with another path, host and headers, and answers with others", async () => {
    await echo();
    serve([
      {
        matches: [{ path: { value: "/x" } }],
        filters: [
          {
            type: "URLRewrite",
            urlRewrite: {
              hostname: "b.test",
              path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/z" },
            },
          },
          {
            type: "RequestHeaderModifier",
            requestHeaderModifier: { set: [{ name: "X-Set", value: "1" }], remove: ["x-gone"] },
          },
          {
            type: "ResponseHeaderModifier",
            responseHeaderModifier: { add: [{ name: "x-added", value: "2" }], remove: ["x-from"] },
          },
        ],
        backendRefs: [
          {
            ...web,
            filters: [
              {
                type: "RequestHeaderModifier",
                requestHeaderModifier: { set: [{ name: "x-set", value: "of-backend" }] },
              },
            ],
          },
        ],
      },
    ]);
    const { text, headers } = await ask("/x/y?q=1", { "x-gone": "1", "x-set": "0" });
    const seen = JSON.parse(text);
    assert.deepEqual(
      [seen.url, seen.host, seen["x-set"], seen["x-gone"]],
      ["/z/y?q=1", "b.test", "of-backend", undefined],
    );
    assert.deepEqual([headers["x-added"], headers["x-from"]], ["2", undefined]);
  });

  it("is 504 where a request, or one backend, takes longer than the route allows", async () => {
    const waiting: (() => void)[] = [];
    await rig.backend("web", (_, response) => void waiting.push(() => response.end("late")));
    for (const timeouts of [{ request: "50ms" }, { backendRequest: "50ms" }]) {
      serve([{ timeouts, backendRefs: [web] }]);
      assert.equal((await ask("/")).status, 504, JSON.stringify(timeouts));
    }
    assert.equal(waiting.length, 2);
    serve([{ timeouts: { request: "0s" }, backendRefs: [web] }]);
    const asked = ask("/");
    while (waiting.length < 3) await new Promise((resolve) => setImmediate(resolve));
    waiting[2]?.();
    assert.equal((await asked).text, "late");
  });

  it("shows no certificate but its listeners', and none where they have none", async () => {
    const tls = "ns/gw:443";
    const opened = await rig.serving.open({ entry: tls, address: "127.0.0.1", https: 0, reachedBy: 443 });
    const { https } = opened;
    assert.ok(typeof https === "number");
    const authority = await createAuthority({ name: "test" });
    const issued = await issueCertificate(authority, {
      commonName: "x",
      dnsNames: ["x.y.a.test"],
      usage: "server",
    });
    const shake = (servername: string, host = servername) =>
      new Promise<string>((resolve) => {
        const request = httpsRequest({
          host: "127.0.0.1",
          port: https,
          servername,
          agent: false,
          ca: authority.certificatePem,
          headers: { host },
        });
        request.on("response", (response) => resolve(String(response.resume().statusCode)));
        request.on("error", () => resolve("refused"));
        request.end();
      });
    assert.equal(await shake("x.y.a.test"), "refused");
    const pem = { certificatePem: issued.certificatePem, keyPem: issued.privateKeyPem };
    rig.serving.apply({ kind: "certificate", entry: tls, host: "*.a.test", pem });
    assert.equal(await shake("x.y.a.test"), "404");
    assert.equal(await shake("b.test"), "refused");
    rig.serving.apply({ kind: "listeners", entry: tls, hosts: ["*.a.test", "b.test"] });
    assert.deepEqual(
      [await shake("x.y.a.test", "z.a.test"), await shake("x.y.a.test", "b.test")],
      ["404", "421"],
    );
    rig.serving.apply({ kind: "certificate", entry: tls, host: "*.a.test", pem: undefined });
    assert.equal(await shake("x.y.a.test"), "refused");
  });
});
