import assert from "node:assert/strict";
import fc from "fast-check";
import { attachRoutes } from "./attachments.ts";
import { gatewayKey, gatewayPortsAnnotations, gatewayPortsOf } from "./gateway-class.ts";
import type { AnyRoute, Gateway, Listener } from "./gateway-types.ts";
import { gatewayView, ownGateways } from "./listeners.ts";
import { isGranted } from "./reference-grants.ts";
import { routeFault } from "./route-faults.ts";
import { commonHost, hostsFor } from "./route-hosts.ts";
import { gateway, gatewayClass, grant, grpcRoute, httpRoute } from "./testing/gateway-objects.ts";

describe("Gateway API: which listeners take a route", () => {
  const labels: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    ns: { team: "a" },
    other: { team: "b" },
  };
  const listener = (name: string, more: Partial<Listener> = {}): Listener => ({
    name,
    port: 80,
    protocol: "HTTP",
    ...more,
  });
  const attached = (route: AnyRoute, ...gateways: Gateway[]) => allAttached([route], ...gateways)[0];
  const allAttached = (routes: readonly AnyRoute[], ...gateways: Gateway[]) =>
    attachRoutes(routes, {
      gateways: new Map(gateways.map((one) => [gatewayKey(one), gatewayView(one, [])])),
      namespaceLabels: (name) => labels[name],
      isServed: (of) => routeFault(of) === undefined,
    }).map(({ attachments }) =>
      attachments.map(({ fault, listeners }) =>
        fault === undefined
          ? listeners.map(({ listener, hosts }) => `${listener.name}: ${hosts}`)
          : fault.reason,
      ),
    );
  const one = (...listeners: Listener[]) => gateway("gw", { listeners });

  it("is said by name and port, by namespace, by kind and by hostname, in this order", () => {
    const listeners = [
      listener("a", { hostname: "a.test" }),
      listener("b", { port: 8080, hostname: "*.b.test" }),
      listener("tls", { port: 443, protocol: "HTTPS", allowedRoutes: { namespaces: { from: "None" } } }),
    ];
    const at = (ref: object, hostnames?: readonly string[]) =>
      attached(
        httpRoute("r", { parentRefs: [{ name: "gw", ...ref }], ...(hostnames && { hostnames }) }),
        one(...listeners),
      );
    assert.deepEqual(at({}), [["a: a.test", "b: *.b.test"]]);
    assert.deepEqual(at({ sectionName: "a" }), [["a: a.test"]]);
    assert.deepEqual(at({ port: 8080 }), [["b: *.b.test"]]);
    assert.deepEqual(at({ sectionName: "a", port: 8080 }), ["NoMatchingParent"]);
    assert.deepEqual(at({ sectionName: "none" }), ["NoMatchingParent"]);
    assert.deepEqual(at({ sectionName: "tls" }), ["NotAllowedByListeners"]);
    assert.deepEqual(at({}, ["x.b.test", "c.test"]), [["b: x.b.test"]]);
    assert.deepEqual(at({}, ["c.test"]), ["NoMatchingListenerHostname"]);
    assert.deepEqual(at({ name: "not-ours" }), []);
    assert.deepEqual(at({ kind: "Service" }), []);
    const onlyHttp = listener("a", { allowedRoutes: { kinds: [{ kind: "HTTPRoute" }] } });
    assert.deepEqual(attached(grpcRoute("g"), one(onlyHttp)), ["NotAllowedByListeners"]);
  });

  it("keeps routes of other namespaces out unless the listener lets them in", () => {
    const from = (namespaces: NonNullable<Listener["allowedRoutes"]>["namespaces"], namespace: string) =>
      attached(
        httpRoute("r", { parentRefs: [{ name: "gw", namespace: "ns" }] }, { namespace }),
        one(listener("l", { ...(namespaces && { allowedRoutes: { namespaces } }) })),
      );
    assert.deepEqual(from(undefined, "other"), ["NotAllowedByListeners"]);
    assert.deepEqual(from({ from: "Same" }, "other"), ["NotAllowedByListeners"]);
    assert.deepEqual(from({ from: "All" }, "other"), [["l: "]]);
    assert.deepEqual(from({ from: "Selector", selector: { matchLabels: { team: "b" } } }, "other"), [
      ["l: "],
    ]);
    assert.deepEqual(from({ from: "Selector", selector: { matchLabels: { team: "b" } } }, "ns"), [
      "NotAllowedByListeners",
    ]);
    assert.deepEqual(from({ from: "Selector" }, "other"), ["NotAllowedByListeners"]);
    assert.deepEqual(from({ from: "Selector", selector: {} }, "gone"), ["NotAllowedByListeners"]);
  });

  it("finds the host that two have in common, and what a host may be known by, alike", () => {
    const label = fc.constantFrom("a", "b", "c");
    const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
    const host = fc.oneof(
      fc.constant(""),
      name,
      name.map((one) => `*.${one}`),
    );
    fc.assert(
      fc.property(host, host, name, (a, b, asked) => {
        const common = commonHost(a, b);
        assert.equal(common, commonHost(b, a));
        const known = (text: string) => hostsFor(asked).includes(text);
        // What both stand for is what the common one stands for.
        assert.equal(
          known(a) && known(b),
          common !== undefined && known(common),
          `${asked} by ${a} and ${b}`,
        );
      }),
    );
    assert.deepEqual(hostsFor("x.y.test"), ["x.y.test", "*.y.test", "*.test", ""]);
    assert.equal(commonHost("*.test", "test"), undefined);
  });

  it("says what is wrong with listeners", () => {
    const tls = (more: object) => listener("l", { port: 443, protocol: "HTTPS", tls: more });
    const secret = { name: "cert" };
    const views = (...listeners: Listener[]) =>
      gatewayView(one(...listeners), [
        grant("there", { kind: "Gateway", namespace: "ns" }, { kind: "Secret" }),
      ]).listeners;
    const reasons = (...listeners: Listener[]) =>
      views(...listeners).map(
        ({ refused, conflict, kindFault, certificates }) =>
          (refused ?? conflict ?? kindFault ?? certificates.find(({ fault }) => fault)?.fault)?.reason,
      );
    assert.deepEqual(reasons(listener("l", { protocol: "TCP" })), ["UnsupportedProtocol"]);
    assert.deepEqual(reasons(listener("l", { protocol: "constructor" })), ["UnsupportedProtocol"]);
    assert.deepEqual(reasons(listener("a"), listener("b")), ["HostnameConflict", "HostnameConflict"]);
    assert.deepEqual(reasons(listener("a"), listener("b", { hostname: "b.test" })), [undefined, undefined]);
    assert.deepEqual(
      reasons(listener("a"), listener("b", { protocol: "HTTPS", tls: { certificateRefs: [secret] } })),
      ["ProtocolConflict", "ProtocolConflict"],
    );
    assert.deepEqual(reasons(listener("l", { allowedRoutes: { kinds: [{ kind: "TCPRoute" }] } })), [
      "InvalidRouteKinds",
    ]);
    assert.deepEqual(reasons(tls({})), ["InvalidCertificateRef"]);
    assert.deepEqual(reasons(tls({ certificateRefs: [secret] })), [undefined]);
    assert.deepEqual(reasons(tls({ certificateRefs: [{ ...secret, kind: "ConfigMap" }] })), [
      "InvalidCertificateRef",
    ]);
    assert.deepEqual(reasons(tls({ certificateRefs: [{ ...secret, namespace: "there" }] })), [undefined]);
    assert.deepEqual(reasons(tls({ certificateRefs: [{ ...secret, namespace: "elsewhere" }] })), [
      "RefNotPermitted",
    ]);
    assert.deepEqual(reasons(tls({ certificateRefs: [secret, secret] })), ["UnsupportedValue"]);
    assert.deepEqual(reasons(tls({ certificateRefs: [secret], options: { a: "b" } })), ["UnsupportedValue"]);
    assert.deepEqual(reasons(tls({ certificateRefs: [secret], mode: "Passthrough" })), ["UnsupportedValue"]);
  });

  it("serves Gateways of our classes alone, without parameters", () => {
    const classes = [
      gatewayClass(),
      gatewayClass("theirs", { controllerName: "example.com/x" }),
      gatewayClass("odd", { parametersRef: {} }),
    ];
    const gateways = ["pintle", "theirs", "odd", "none"].map((name) =>
      gateway(name, { gatewayClassName: name }),
    );
    assert.deepEqual(
      ownGateways(gateways, classes, []).map(({ gateway }) => gateway.metadata.name),
      ["pintle"],
    );
  });

  it("has a grant allow what it names, of the kind and namespace that it names", () => {
    const to = { group: "", kind: "Service", namespace: "there", name: "web" };
    const asked = { fromKind: "HTTPRoute", fromNamespace: "ns", to };
    const from = { kind: "HTTPRoute", namespace: "ns" };
    const allows = (...parts: Parameters<typeof grant>) => isGranted(asked, [grant(...parts)]);
    assert.equal(isGranted({ ...asked, fromNamespace: "there" }, []), true);
    assert.equal(isGranted(asked, []), false);
    assert.equal(allows("there", from, { kind: "Service" }), true);
    assert.equal(allows("there", from, { kind: "Service", name: "web" }), true);
    assert.equal(allows("there", from, { kind: "Service", name: "db" }), false);
    assert.equal(allows("there", from, { kind: "Secret" }), false);
    assert.equal(allows("ns", from, { kind: "Service" }), false);
    assert.equal(allows("there", { ...from, namespace: "x" }, { kind: "Service" }), false);
    assert.equal(allows("there", { ...from, kind: "GRPCRoute" }, { kind: "Service" }), false);
  });

  it("names what a route asks for that is not done", () => {
    const filter = (more: object) => ({ filters: [more as never] });
    const refused: readonly (readonly [object, string])[] = [
      [filter({ type: "ExtensionRef" }), 'rules[0].filters: "ExtensionRef" is not honoured here'],
      [filter({ type: "ExtensionRef" }), 'rules[0].filters: "ExtensionRef" is not honoured here'],
      [
        { sessionPersistence: { type: "Header" } },
        "rules[0].sessionPersistence: type: only Cookie is known here",
      ],
      [
        { sessionPersistence: { sessionName: "a; b" } },
        "rules[0].sessionPersistence: sessionName: is no name of a cookie",
      ],
      [
        { sessionPersistence: { cookieConfig: { lifetimeType: "Permanent" } } },
        "rules[0].sessionPersistence: absoluteTimeout: a permanent cookie needs one",
      ],
      [
        { sessionPersistence: { idleTimeout: "1h" } as object },
        "rules[0].sessionPersistence: idleTimeout: is not honoured here",
      ],
      [{ retry: { codes: [200] } }, "rules[0].retry: codes: are statuses from 400 to 599"],
      [{ retry: { attempts: 1e9 } }, "rules[0].retry: attempts: from 1 to 100 are made here"],
      [{ retry: { backoff: "soon" } }, 'rules[0].retry: backoff: "soon" is no span of time'],
      [
        filter({ type: "CORS", cors: { allowOrigins: ["https://a\r\nb"] } }),
        "rules[0].filters: CORS has a value that cannot stand in a request or an answer",
      ],
      [
        filter({ type: "CORS", cors: { allowHeaders: ["a: b"] } }),
        "rules[0].filters: CORS has a value that cannot stand in a request or an answer",
      ],
      [
        filter({ type: "RequestMirror", requestMirror: { backendRef: { name: "w" }, percent: 101 } }),
        "rules[0].filters: RequestMirror has a value that cannot stand in a request or an answer",
      ],
      [{ timeouts: { request: "soon" } }, 'rules[0].timeouts.request: "soon" is no span of time'],
      [
        { matches: [{ path: { type: "RegularExpression", value: "(?=a)" } }] },
        "rules[0].matches[0].path.value: is no pattern of RE2's syntax",
      ],
      [
        filter({
          type: "RequestHeaderModifier",
          requestHeaderModifier: { set: [{ name: "a", value: "x\r\ny: z" }] },
        }),
        "rules[0].filters: RequestHeaderModifier has a value that cannot stand in a request or an answer",
      ],
      [
        filter({ type: "RequestRedirect", requestRedirect: { hostname: "a/b" } }),
        "rules[0].filters: RequestRedirect has a value that cannot stand in a request or an answer",
      ],
    ];
    for (const [rule, message] of refused)
      assert.equal(routeFault(httpRoute("r", { rules: [rule] }))?.message, message);
    assert.equal(
      routeFault(httpRoute("r", { rules: [{ timeouts: { request: "0s", backendRequest: "1.5s" } }] })),
      undefined,
    );
  });

  it("gives a hostname at a listener to routes of one kind, the older ones", () => {
    const both = gateway("gw", {
      listeners: [listener("a", { hostname: "*.a.test" }), listener("b", { port: 81 })],
    });
    const http = (name: string, host: string, year: number, more: object = {}) =>
      httpRoute(name, { hostnames: [host], ...more }, { creationTimestamp: `${year}-01-01T00:00:00Z` });
    const old = http("old", "x.a.test", 2020);
    const grpc = grpcRoute("grpc", { hostnames: ["*.a.test"] });
    assert.deepEqual(allAttached([grpc, old], both), [
      ["HostnameConflict"],
      [["a: x.a.test", "b: x.a.test"]],
    ]);
    // Of those of one age the first by name; what is refused, or elsewhere, stands in nobody's way.
    assert.deepEqual(allAttached([http("new", "x.a.test", 2027), grpc], both)[0], ["HostnameConflict"]);
    assert.deepEqual(allAttached([http("new", "x.b.test", 2027), grpc], both)[0], [["b: x.b.test"]]);
    const refused = http("old", "x.a.test", 2020, { rules: [{ sessionPersistence: { type: "Header" } }] });
    assert.deepEqual(allAttached([refused, grpc], both)[1], [["a: *.a.test", "b: *.a.test"]]);
    // Only the listener where they meet is lost.
    const atA = http("old", "x.a.test", 2020, { parentRefs: [{ name: "gw", sectionName: "a" }] });
    assert.deepEqual(allAttached([atA, grpc], both)[1], [["b: *.a.test"]]);
  });

  it("reads nothing from a Node's annotation but ports", () => {
    const ports = { "ns/gw": { "80": 40_001 } };
    const { "pintle.dev/gateway-ports": said } = gatewayPortsAnnotations(ports);
    assert.deepEqual(gatewayPortsOf({ "pintle.dev/gateway-ports": said ?? "" }), ports);
    for (const text of ["", "x", "[]", "null", '{"a":1}', '{"a":{"x":1,"80":"1","90":70000}}'])
      assert.deepEqual(
        Object.values(gatewayPortsOf({ "pintle.dev/gateway-ports": text })).flatMap(Object.keys),
        [],
      );
  });
});
