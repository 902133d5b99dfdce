import assert from "node:assert/strict";
import { createServer, request as httpRequest, type Server } from "node:http";
import { createServer as createTlsServer, request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../../base/os/clock.ts";
import { systemDisk } from "../../../base/os/disk.ts";
import { createLog } from "../../../base/os/log.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import type { Running } from "../../../base/os/os.ts";
import { createAuthority, issueCertificate } from "../../../base/os/pki.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { TaskScope } from "../../../base/os/task-scope.ts";
import { definitions } from "../../../client/definitions.ts";
import { gatewayPortsOf } from "../../../client/gateway/gateway-class.ts";
import { gatewayResources } from "../../../client/gateway/gateway-types.ts";
import {
  gateway,
  gatewayClass,
  httpRoute,
  tlsPolicy,
} from "../../../client/gateway/testing/gateway-objects.ts";
import { InformerFactory } from "../../../client/informer.ts";
import { resources } from "../../../client/resources.ts";
import { noIngressLabel } from "../../../client/rules/ingress-class.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import { startIngress } from "../start-ingress.ts";

/** A node with the API in memory, followed as the agent follows it. */
describe("Gateways as a node follows them", () => {
  const log = createLog({ level: "error", format: "text" });
  const node = { name: "n1" };
  let api: FakeApi;
  let tasks: TaskScope;
  let running: Running;
  let backend: Server;

  beforeEach(async () => {
    api = new FakeApi();
    tasks = new TaskScope(log);
    await api.create(resources.nodes, {
      metadata: node,
      status: {
        addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
        conditions: [{ type: "Ready", status: "True" }],
      },
    });
    backend = createServer((request, response) => response.end(`web ${request.url}`));
    await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
    const os = {
      clock: systemClock,
      random: systemRandom,
      disk: systemDisk,
      log,
      metrics: new MetricsRegistry(),
    };
    const informers = new InformerFactory(tasks, { client: api, ...os });
    running = await startIngress(
      { nodeName: node.name, ports: { address: "127.0.0.1", http: 0, https: 0 }, loopbackPods: true },
      { os, client: api, informers },
    );
  });
  afterEach(async () => {
    await running.stop();
    await tasks.stop();
    backend.close();
    backend.closeAllConnections();
  });

  /** Waits until this holds; mocha bounds it. */
  const until = async <T>(look: () => T | Promise<T>): Promise<NonNullable<T>> => {
    for (;;) {
      const found = await look();
      if (found) return found;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const ports = async () => gatewayPortsOf((await api.get(resources.nodes, node)).metadata.annotations);
  const portOf = (port: number) => until(async () => (await ports())["ns/gw"]?.[String(port)]);
  const ask = (port: number, host: string, ca?: string, at = "127.0.0.1") =>
    new Promise<string>((resolve) => {
      const options = { host: at, port, agent: false as const, path: "/x", headers: { host } };
      const request =
        ca === undefined ? httpRequest(options) : httpsRequest({ ...options, servername: host, ca });
      request.on("response", async (response) => {
        let text = "";
        for await (const bytes of response) text += bytes;
        resolve(`${response.statusCode} ${text}`.trim());
      });
      request.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      request.end();
    });
  const define = async () => {
    await api.create(definitions, {
      metadata: { name: "gatewayclasses.gateway.networking.k8s.io" },
      status: { conditions: [{ type: "Established", status: "True" }] },
    });
    await api.create(gatewayResources.gatewayclasses, gatewayClass());
  };
  const makeService = async (port = (backend.address() as AddressInfo).port) => {
    await api.create(resources.services, {
      metadata: { name: "web", namespace: "ns" },
      spec: { clusterIP: "10.96.0.9", ports: [{ name: "http", port: 80, targetPort: 8080 }] },
    });
    await api.create(resources.endpointslices, {
      metadata: { name: "web-1", namespace: "ns", labels: { "kubernetes.io/service-name": "web" } },
      addressType: "IPv4",
      ports: [{ name: "http", port, protocol: "TCP" }],
      endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true, serving: true } }],
    });
  };
  const makeRoute = (name: string, more: object = {}) =>
    api.create(
      gatewayResources.httproutes,
      httpRoute(name, { rules: [{ backendRefs: [{ name: "web", port: 80 }] }], ...more }).route,
    );

  it("are answered for once the kinds are defined, and the Node says at which port; until they go", async () => {
    await makeService();
    await api.create(gatewayResources.gateways, gateway("gw"));
    await makeRoute("r", { hostnames: ["a.test"] });
    await define();
    const port = await portOf(80);
    assert.equal(await ask(port, "a.test"), "200 web /x");
    assert.match(await ask(port, "b.test"), /^404/);
    await makeRoute("later", { hostnames: ["*.test"] });
    await until(async () => (await ask(port, "b.test")) === "200 web /x");
    await api.delete(resources.services, { namespace: "ns", name: "web" });
    await until(async () => (await ask(port, "a.test")).startsWith("500"));
    await api.delete(gatewayResources.gateways, { namespace: "ns", name: "gw" });
    await until(async () => Object.keys(await ports()).length === 0);
    assert.equal(await ask(port, "a.test"), "ECONNREFUSED");
  });

  it("are answered for at an address of each family, by the same port and the same certificate", async () => {
    const internal = (address: string) => ({ type: "InternalIP", address });
    const addresses = [internal("127.0.0.1"), internal("::1"), internal("127.0.0.9")];
    await api.patch(resources.nodes, node, { status: { addresses } }, { type: "merge" });
    await makeService();
    await define();
    await makeRoute("r");
    await api.create(gatewayResources.gateways, gateway("gw"));
    const port = await portOf(80);
    await until(async () => (await ask(port, "a.test")) === "200 web /x");
    assert.equal(await ask(port, "a.test", undefined, "::1"), "200 web /x");
    assert.equal(await ask(port, "a.test", undefined, "127.0.0.9"), "ECONNREFUSED", "one of a family");
    await api.delete(gatewayResources.gateways, { namespace: "ns", name: "gw" });
    await until(async () => (await ask(port, "a.test", undefined, "::1")) === "ECONNREFUSED");
  });

  it("are not answered for by a node that the administrator keeps out, nor without a class of ours", async () => {
    await api.create(gatewayResources.gateways, gateway("gw"));
    await define();
    const port = await portOf(80);
    const label = (value: string | null) =>
      api.patch(
        resources.nodes,
        node,
        { metadata: { labels: { [noIngressLabel]: value } } },
        { type: "merge" },
      );
    await label("");
    await until(async () => Object.keys(await ports()).length === 0);
    assert.equal(await ask(port, "a.test"), "ECONNREFUSED");
    await label(null);
    await portOf(80);
    await api.delete(gatewayResources.gatewayclasses, { name: "pintle" });
    await until(async () => Object.keys(await ports()).length === 0);
  });

  it("ask backends by TLS once a policy says so and its authorities are read, and not otherwise", async () => {
    const authority = await createAuthority({ name: "backends" });
    const issued = await issueCertificate(authority, {
      commonName: "x",
      dnsNames: ["backend.test"],
      usage: "server",
    });
    const secure = createTlsServer(
      { cert: issued.certificatePem, key: issued.privateKeyPem },
      (_, response) => response.end("by TLS"),
    );
    await new Promise<void>((resolve) => secure.listen(0, "127.0.0.1", resolve));
    try {
      await makeService((secure.address() as AddressInfo).port);
      await api.create(gatewayResources.gateways, gateway("gw"));
      await makeRoute("r");
      await define();
      await api.create(definitions, {
        metadata: { name: "backendtlspolicies.gateway.networking.k8s.io" },
        spec: { versions: [{ name: "v1", served: true }] },
        status: { conditions: [{ type: "Established", status: "True" }] },
      });
      const port = await portOf(80);
      await until(async () => (await ask(port, "a.test")).startsWith("502"));
      await api.create(
        gatewayResources.backendtlspolicies,
        tlsPolicy("p", {
          validation: {
            hostname: "backend.test",
            caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "ca" }],
          },
        }),
      );
      await until(async () => (await ask(port, "a.test")).startsWith("500"));
      await api.create(resources.configmaps, {
        metadata: { name: "ca", namespace: "ns" },
        data: { "ca.crt": authority.certificatePem },
      });
      await until(async () => (await ask(port, "a.test")) === "200 by TLS");
      await api.delete(definitions, { name: "backendtlspolicies.gateway.networking.k8s.io" });
      await until(async () => (await ask(port, "a.test")).startsWith("502"));
    } finally {
      secure.close();
      secure.closeAllConnections();
    }
  });

  it("take namespaces by their labels, and show their secrets' certificates", async () => {
    await makeService();
    await define();
    const authority = await createAuthority({ name: "t" });
    const issued = await issueCertificate(authority, {
      commonName: "x",
      dnsNames: ["a.test"],
      usage: "server",
    });
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    await api.create(resources.secrets, {
      metadata: { name: "cert", namespace: "ns" },
      data: { "tls.crt": base64(issued.certificatePem), "tls.key": base64(issued.privateKeyPem) },
    });
    const allowedRoutes = { namespaces: { from: "Selector", selector: { matchLabels: { team: "a" } } } };
    await api.create(
      gatewayResources.gateways,
      gateway("gw", {
        listeners: [
          {
            name: "tls",
            port: 443,
            protocol: "HTTPS",
            hostname: "a.test",
            tls: { certificateRefs: [{ name: "cert" }] },
            allowedRoutes,
          },
        ],
      }),
    );
    await makeRoute("r");
    const port = await portOf(443);
    assert.match(
      await ask(port, "a.test", authority.certificatePem),
      /^404/,
      "the namespace has no such label",
    );
    await api.create(resources.namespaces, { metadata: { name: "ns", labels: { team: "a" } } });
    await until(async () => (await ask(port, "a.test", authority.certificatePem)) === "200 web /x");
    await api.delete(resources.secrets, { namespace: "ns", name: "cert" });
    await until(async () => !(await ask(port, "a.test", authority.certificatePem)).startsWith("200"));
  });
});
