import assert from "node:assert/strict";
import { createServer, request as httpRequest, type Server } from "node:http";
import { request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { createLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import type { Running } from "../../base/os/os.ts";
import { createAuthority, issueCertificate } from "../../base/os/pki.ts";
import { systemRandom } from "../../base/os/random.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { InformerFactory } from "../../client/informer.ts";
import { resources } from "../../client/resources.ts";
import { frontOf, noIngressLabel } from "../../client/rules/ingress-class.ts";
import { FakeApi } from "../../client/testing/fake-api.ts";
import type { Ingress } from "../../client/types.ts";
import { startIngress } from "./start-ingress.ts";

/** A node with the API in memory, followed as the agent follows it. */
describe("Ingresses as a node follows them", () => {
  const log = createLog({ level: "error", format: "text" });
  const node = { name: "n1" };
  let api: FakeApi;
  let tasks: TaskScope;
  let ingress: Running;
  let backend: Server;

  beforeEach(async () => {
    api = new FakeApi();
    tasks = new TaskScope(log);
    await api.create(resources.nodes, {
      metadata: node,
      status: { conditions: [{ type: "Ready", status: "True" }] },
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
    ingress = await startIngress(
      {
        nodeName: node.name,
        ports: { address: "127.0.0.1", alsoAt: ["::1"], http: 0, https: 0 },
        loopbackPods: true,
      },
      { os, client: api, informers },
    );
  });
  afterEach(async () => {
    await ingress.stop();
    await tasks.stop();
    backend.close();
    backend.closeAllConnections();
  });

  const makeClass = (name = "pintle", controller = "pintle.dev/ingress") =>
    api.create(resources.ingressclasses, { metadata: { name }, spec: { controller } });
  const make = (
    name: string,
    spec: Partial<Ingress["spec"]> = {},
    annotations: Record<string, string> = {},
  ) =>
    api.create(resources.ingresses, {
      metadata: { name, namespace: "ns", annotations },
      spec: {
        ingressClassName: "pintle",
        rules: [
          {
            host: `${name}.test`,
            http: {
              paths: [
                {
                  path: "/",
                  pathType: "Prefix",
                  backend: { service: { name: "web", port: { name: "http" } } },
                },
              ],
            },
          },
        ],
        ...spec,
      },
    });
  const makeService = async (ready = true) => {
    await api.create(resources.services, {
      metadata: { name: "web", namespace: "ns" },
      spec: { clusterIP: "10.96.0.9", ports: [{ name: "http", port: 80, targetPort: 8080 }] },
    });
    await api.create(resources.endpointslices, {
      metadata: { name: "web-1", namespace: "ns", labels: { "kubernetes.io/service-name": "web" } },
      addressType: "IPv4",
      ports: [{ name: "http", port: (backend.address() as AddressInfo).port, protocol: "TCP" }],
      endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready, serving: ready } }],
    });
  };
  /** Waits until this holds; mocha bounds it. */
  const until = async <T>(look: () => T | Promise<T>): Promise<NonNullable<T>> => {
    for (;;) {
      const found = await look();
      if (found) return found;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const front = () => until(async () => frontOf(await api.get(resources.nodes, node)));
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
  const events = () =>
    api.all(resources.events).map(({ involvedObject, message }) => `${involvedObject.name}: ${message}`);

  it("are answered for while there is a class of ours, and the Node says where", async () => {
    await makeService();
    await make("a");
    await makeClass("other", "example.com/other");
    assert.equal(frontOf(await api.get(resources.nodes, node)), undefined);
    await makeClass();
    const { addresses, ports } = await front();
    const [http = 0] = ports;
    assert.deepEqual(addresses, ["127.0.0.1", "::1"]);
    assert.equal(await ask(http, "a.test", undefined, "::1"), "200 web /x");
    assert.equal(await ask(http, "a.test"), "200 web /x");
    await make("b", { ingressClassName: "other" });
    await make("c");
    await until(async () => (await ask(http, "c.test")) === "200 web /x");
    assert.match(await ask(http, "b.test"), /^404/, "another class's");
    await api.delete(resources.ingresses, { namespace: "ns", name: "c" });
    await until(async () => (await ask(http, "c.test")).startsWith("404"));
    await api.delete(resources.ingressclasses, { name: "pintle" });
    await until(async () => frontOf(await api.get(resources.nodes, node)) === undefined);
    assert.equal(await ask(http, "a.test"), "ECONNREFUSED");
  });

  it("are not answered for by a node that the administrator keeps out", async () => {
    await makeClass();
    const [http = 0] = (await front()).ports;
    await api.patch(
      resources.nodes,
      node,
      { metadata: { labels: { [noIngressLabel]: "" } } },
      { type: "merge" },
    );
    await until(async () => frontOf(await api.get(resources.nodes, node)) === undefined);
    assert.equal(await ask(http, "a.test"), "ECONNREFUSED");
  });

  it("follow their Services and what is ready of them", async () => {
    await makeClass();
    await make("a");
    const [http = 0] = (await front()).ports;
    await until(async () => (await ask(http, "a.test")).startsWith("503"));
    await until(() => events().some((one) => /^a: service "web": there is none/.test(one)));
    await makeService(false);
    await api.patch(
      resources.endpointslices,
      { namespace: "ns", name: "web-1" },
      { endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }] },
      { type: "merge" },
    );
    await until(async () => (await ask(http, "a.test")) === "200 web /x");
    await api.delete(resources.services, { namespace: "ns", name: "web" });
    await until(async () => (await ask(http, "a.test")).startsWith("503"));
  });

  it("show the certificates of their secrets, new ones as they come, and say what is wrong with them", async () => {
    const issue = async () => {
      const authority = await createAuthority({ name: "a" });
      const made = await issueCertificate(authority, {
        commonName: "a.test",
        dnsNames: ["a.test"],
        usage: "server",
      });
      const data = {
        "tls.crt": Buffer.from(made.certificatePem).toString("base64"),
        "tls.key": Buffer.from(made.privateKeyPem).toString("base64"),
      };
      return { ca: authority.certificatePem, data };
    };
    await makeClass();
    await makeService();
    await make("a", { tls: [{ hosts: ["a.test", "b.test"], secretName: "cert" }] });
    const https = (await front()).ports[1] ?? 0;
    await until(() => events().some((one) => /^a: secret "cert": there is none/.test(one)));
    const ref = { namespace: "ns", name: "cert" };
    for (let round = 0; round < 2; round++) {
      const { ca, data } = await issue();
      if (round === 0)
        await api.create(resources.secrets, { metadata: ref, type: "kubernetes.io/tls", data });
      else await api.patch(resources.secrets, ref, { data }, { type: "merge" });
      await until(async () => (await ask(https, "a.test", ca)) === "200 web /x");
    }
    await until(() =>
      events().some((one) => /^a: secret "cert": its certificate is not for the host b.test/.test(one)),
    );
    const [http = 0] = (await front()).ports;
    /** All that is followed is followed anew. */
    const makeSeenAgain = async () => {
      await until(async () => (await ask(http, "a.test")).startsWith("404"));
      api.cutWatches();
      await make("z");
      await until(async () => (await ask(http, "z.test")) === "200 web /x");
    };
    const watched: string[] = [];
    api.intercept = async ({ verb, resource }) => {
      if (resource === "secrets") watched.push(verb);
      return undefined;
    };
    await api.delete(resources.ingresses, { namespace: "ns", name: "a" });
    await makeSeenAgain();
    assert.deepEqual(watched, [], "nobody follows the secret any more");
  });

  it("say what of their annotations is not honoured, and close what would be open without them", async () => {
    await makeClass();
    await makeService();
    const prefix = "nginx.ingress.kubernetes.io/";
    await make(
      "a",
      {},
      { [`${prefix}auth-url`]: "http://x", [`${prefix}proxy-buffer-size`]: "8k", other: "x" },
    );
    await make("b", {}, { [`${prefix}limit-connections`]: "1", [`${prefix}proxy-body-size`]: "lots" });
    const [http = 0] = (await front()).ports;
    await until(async () => (await ask(http, "b.test")) === "200 web /x");
    assert.match(await ask(http, "a.test"), /^503/);
    await until(() => events().length >= 4);
    assert.deepEqual(events().sort(), [
      `a: ${prefix}auth-url is not honoured here, and without it the routes would be open: they answer 503`,
      `a: not honoured here: ${prefix}proxy-buffer-size`,
      `b: ${prefix}proxy-body-size: "lots" is not a value of it that is known here`,
      `b: not honoured here: ${prefix}limit-connections`,
    ]);
  });
});
