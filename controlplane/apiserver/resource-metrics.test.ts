import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import type { AgentServer } from "../../agent/server/server.ts";
import { systemClock } from "../../base/os/clock.ts";
import { type Certificate, createAuthority, issueCertificate } from "../../base/os/pki.ts";
import { startTestNode, testNode } from "./reach/testing.ts";
import { MemoryStorage } from "./registry/memory-storage.ts";
import { decodeKubernetesProtobuf } from "./schema/protobuf-envelope.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

const run = promisify(execFile);
const mi = 2 ** 20;
const group = "/apis/metrics.k8s.io/v1beta1";
const services = "/apis/apiregistration.k8s.io/v1/apiservices";
const ownService = `${services}/v1beta1.metrics.k8s.io`;
const asTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/** A container that runs on the test's node. */
interface Running {
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly name: string;
}

describe("metrics.k8s.io, served of what nodes say", () => {
  let api: TestApiserver;
  let agent: AgentServer;
  let hostile: Server;
  let hostileAnswer: (path: string) => string;
  const running: Running[] = [];
  const uids = new Map<string, string>();

  before(async () => {
    api = await startTestApiserver({ config: { resourceMetrics: true } });
    let cpuNanos = 0;
    agent = await startTestNode(api.authority, {
      runtime: {
        listPodSandboxes: () => [],
        listContainers: () =>
          running.map((one) => ({
            ...one,
            id: `${one.pod.uid}/${one.name}`,
            state: { phase: "running", startedAtMs: 0 },
          })),
        containerStats: async () => {
          cpuNanos += 1_000_000;
          return { cpuNanos, memoryBytes: 3 * mi, workingSetBytes: 2 * mi };
        },
      } as unknown as NonNullable<Parameters<typeof startTestNode>[1]["runtime"]>,
    });
    const { certificatePem, privateKeyPem } = await issueCertificate(api.authority, {
      commonName: "system:node:n2",
      addresses: ["127.0.0.1"],
      usage: "server",
    });
    hostile = createServer({ cert: certificatePem, key: privateKeyPem }, (request, response) =>
      response.end(hostileAnswer(request.url ?? "")),
    );
    await once(hostile.listen(0, "127.0.0.1"), "listening");
    // It speaks of everybody's pods.
    hostileAnswer = () => summary("n2", ...uids.values());
    const { port } = hostile.address() as AddressInfo;
    await put("/api/v1/nodes", {
      ...testNode("n1", agent.port),
      metadata: { name: "n1", labels: { disk: "ssd" } },
    });
    await put("/api/v1/nodes", testNode("n2", port));
    // A simulated node listens nowhere.
    await put("/api/v1/nodes", { ...testNode("n3", 0), status: {} });
    for (const [namespace, name, nodeName, app] of [
      ["default", "web-1", "n1", "web"],
      ["default", "job-1", "n1", "job"],
      ["kube-system", "dns", "n1", "dns"],
      ["default", "far", "n2", "far"],
      ["default", "apart", "n3", "apart"],
    ] as const) {
      const { uid } = await put(`/api/v1/namespaces/${namespace}/pods`, {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, labels: { app } },
        spec: { nodeName, containers: ["web", "side"].map((one) => ({ name: one, image: "i" })) },
        status: { phase: "Running" },
      });
      uids.set(name, uid);
    }
    const pod = (namespace: string, name: string) => ({ namespace, name, uid: uids.get(name) ?? "" });
    for (const container of ["side", "web", "of nobody"])
      running.push({ pod: pod("default", "web-1"), name: container });
    running.push({ pod: pod("kube-system", "dns"), name: "web" });
  });
  after(async () => {
    await api.stop();
    await agent.close();
    hostile.closeAllConnections();
    hostile.close();
  });

  /** What node `nodeName` might say, of pods that may be any. */
  const summary = (nodeName: string, ...pods: readonly string[]) => {
    const time = "2026-01-01T00:00:00Z";
    const use = { cpu: { time, usageNanoCores: 9e9 }, memory: { workingSetBytes: 5 } };
    return JSON.stringify({
      node: { nodeName, ...use },
      pods: pods.map((uid) => ({ podRef: { uid }, containers: [{ name: "web", ...use }] })),
    });
  };
  interface Named {
    readonly metadata: { readonly name: string; readonly labels?: object };
    readonly [field: string]: unknown;
  }
  const put = async (path: string, body: Named) => {
    const made = await api.admin.call("POST", path, { body });
    assert.equal(made.code, 201, made.text);
    const { code, text } = await api.admin.call("PUT", `${path}/${body.metadata.name}/status`, { body });
    assert.equal(code, 200, text);
    return made.body.metadata as { readonly uid: string };
  };
  const get = (path: string, accept = "application/json") =>
    api.admin.call("GET", `${group}${path}`, { accept });
  const names = async (path: string) =>
    (await get(path)).body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
  const kubectl = async (...words: readonly string[]) =>
    (await run("kubectl", ["--kubeconfig", api.kubeconfig, ...words])).stdout;
  const message = async (path: string) => {
    const { code, body } = await get(path);
    return `${code} ${body.reason}: ${body.message}`;
  };

  it("has the shape of metrics-server's answers", async () => {
    const { body } = await get("/namespaces/default/pods/web-1");
    const { timestamp, window, containers, metadata, ...rest } = body;
    assert.deepEqual(rest, { kind: "PodMetrics", apiVersion: "metrics.k8s.io/v1beta1" });
    assert.deepEqual(Object.keys(metadata), ["name", "namespace", "creationTimestamp", "labels"]);
    assert.deepEqual(metadata.labels, { app: "web" });
    assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.match(window, /^\d+(\.\d+)?m?s$/);
    // In the pod's order, and none but the pod's.
    assert.deepEqual(
      containers.map(({ name, usage }: { name: string; usage: { memory: string } }) => [name, usage.memory]),
      [
        ["web", "2Mi"],
        ["side", "2Mi"],
      ],
    );
    for (const { usage } of containers) assert.match(usage.cpu, /^\d+[num]?$/);
    const node = (await get("/nodes/n1")).body;
    assert.deepEqual(Object.keys(node), ["kind", "apiVersion", "metadata", "timestamp", "window", "usage"]);
    assert.deepEqual(Object.keys(node.usage), ["cpu", "memory"]);
    const list = (await get("/namespaces/default/pods")).body;
    assert.deepEqual([list.kind, list.metadata], ["PodMetricsList", {}]);
    assert.deepEqual(Object.keys(list.items[0]), ["metadata", "timestamp", "window", "containers"]);
  });

  it("hears of a pod only from its node, whatever others say of it", async () => {
    const memory = async (name: string) =>
      (await get(`/namespaces/default/pods/${name}`)).body.containers[0].usage.memory;
    assert.equal(await memory("far"), "5");
    assert.equal(await memory("web-1"), "2Mi");
    assert.equal((await get("/namespaces/default/pods/apart")).code, 404);
  });

  it("is selected by namespace, labels and names", async () => {
    assert.deepEqual(await names("/pods"), ["far", "web-1", "dns"]);
    assert.deepEqual(await names("/namespaces/kube-system/pods"), ["dns"]);
    assert.deepEqual(await names("/pods?labelSelector=app%3Dweb"), ["web-1"]);
    assert.deepEqual(await names("/pods?labelSelector=app+notin+(web,far)"), ["dns"]);
    assert.deepEqual(await names("/pods?fieldSelector=metadata.name%3Ddns"), ["dns"]);
    assert.deepEqual(await names("/pods?fieldSelector=metadata.namespace!%3Ddefault"), ["dns"]);
    assert.deepEqual(await names("/nodes?labelSelector=disk"), ["n1"]);
    assert.deepEqual(await names("/nodes?fieldSelector=metadata.name%3Dn2"), ["n2"]);
    assert.deepEqual(await names("/nodes"), ["n1", "n2"]);
    assert.match(await message("/pods?fieldSelector=spec.nodeName%3Dn1"), /^400 BadRequest: .*spec.nodeName/);
    assert.match(await message("/pods?labelSelector=a+b+c"), /^400 BadRequest: /);
  });

  it("says what is not there, and what is not measured, in metrics-server's words", async () => {
    assert.equal(await message("/namespaces/default/pods/none"), '404 NotFound: pods "none" not found');
    assert.equal(await message("/nodes/none"), '404 NotFound: node "none" not found');
    assert.equal(
      await message("/namespaces/default/pods/job-1"),
      '404 NotFound: podmetrics.metrics.k8s.io "default/job-1" not found',
    );
    assert.equal(await message("/nodes/n3"), '404 NotFound: nodemetrics.metrics.k8s.io "n3" not found');
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const { code } = await api.admin.call(method, `${group}/nodes/n1`, { body: {} });
      assert.equal(code, 405, method);
    }
    assert.equal((await get("/nodes?watch=true")).code, 405);
  });

  it("comes as a table, as YAML, as protobuf and as metadata alone", async () => {
    const { body: table } = await get("/namespaces/default/pods", asTable);
    assert.deepEqual(
      table.columnDefinitions.map(({ name, type, format }: Record<string, string>) => [name, type, format]),
      [
        ["Name", "string", "name"],
        ["cpu", "string", "quantity"],
        ["memory", "string", "quantity"],
        ["Window", "string", "duration"],
      ],
    );
    const [name, , memory] = table.rows[1].cells;
    assert.deepEqual([name, memory], ["web-1", "4Mi"]);
    assert.match(
      (await get("/nodes", "application/yaml")).text,
      /^apiVersion: metrics\.k8s\.io\/v1beta1\nitems:\n/,
    );
    const { bytes, headers } = await get("/namespaces/default/pods", "application/vnd.kubernetes.protobuf");
    assert.equal(headers["content-type"], "application/vnd.kubernetes.protobuf");
    const list = decodeKubernetesProtobuf(bytes) as {
      readonly items: readonly { readonly containers: unknown[] }[];
    };
    assert.deepEqual(
      list.items.map(({ containers }) => containers.length),
      [1, 2],
    );
    const metadata = await get("/nodes", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io");
    assert.equal(metadata.body.kind, "PartialObjectMetadataList");
  });

  it("is discovered and described", async () => {
    const { body } = await get("");
    assert.deepEqual(
      body.resources.map(({ name, kind, verbs, namespaced }: Record<string, unknown>) => [
        name,
        kind,
        verbs,
        namespaced,
      ]),
      [
        ["nodes", "NodeMetrics", ["get", "list"], false],
        ["pods", "PodMetrics", ["get", "list"], true],
      ],
    );
    const document = await api.admin.call("GET", "/openapi/v3/apis/metrics.k8s.io/v1beta1");
    const { required, properties } =
      document.body.components.schemas["io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics"];
    assert.deepEqual(required, ["timestamp", "window", "containers"]);
    assert.equal(properties.containers["x-kubernetes-list-type"], "atomic");
    assert.ok(
      Object.keys(document.body.paths).includes(
        "/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods/{name}",
      ),
    );
  });

  it("is for whoever may view what is measured", async () => {
    const role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:aggregated-metrics-reader";
    const { metadata, rules } = (await api.admin.call("GET", role)).body;
    for (const to of ["view", "edit", "admin"])
      assert.equal(metadata.labels[`rbac.authorization.k8s.io/aggregate-to-${to}`], "true");
    assert.deepEqual(rules, [
      { apiGroups: ["metrics.k8s.io"], resources: ["pods", "nodes"], verbs: ["get", "list", "watch"] },
    ]);
    const jane = await api.clientFor("jane");
    assert.equal((await jane.call("GET", `${group}/namespaces/default/pods`)).code, 403);
    await api.admin.call("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", {
      body: {
        metadata: { name: "jane" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
        subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "jane" }],
      },
    });
    assert.equal((await jane.call("GET", `${group}/namespaces/default/pods`)).code, 200);
    assert.equal((await jane.call("GET", `${group}/namespaces/kube-system/pods`)).code, 403);
  });

  it("is what kubectl top shows", async () => {
    assert.match(await kubectl("top", "pods", "--no-headers"), /^far +9000m +0Mi +\nweb-1 +\d+m +4Mi +\n$/);
    assert.match(await kubectl("top", "pods", "-A", "--sum"), /\n {2,}_+ +_+ +\n +\d+m +6Mi/);
    assert.match(
      await kubectl("top", "pods", "-l", "app in (web,far)", "--sort-by=memory", "--no-headers"),
      /^web-1 .*\nfar .*\n$/,
    );
    assert.match(
      await kubectl("top", "pod", "web-1", "--containers", "--no-headers"),
      /^web-1 +side +\d+m +2Mi +\nweb-1 +web +\d+m +2Mi +\n$/,
    );
    assert.match(
      await kubectl("get", "podmetrics"),
      /^NAME +CPU +MEMORY +WINDOW\nfar +9 +5 +10s\nweb-1 +\d+[num]? +4Mi +/,
    );
  });
});

describe("metrics.k8s.io and whoever else serves it", () => {
  let authority: Certificate;
  let proxy: Certificate;
  before(async () => {
    authority = await createAuthority({ name: "cluster-ca" });
    proxy = await issueCertificate(authority, { commonName: "front-proxy-client", usage: "client" });
  });
  const start = (storage: MemoryStorage, resourceMetrics: boolean) =>
    startTestApiserver({
      authority,
      storage,
      config: { resourceMetrics, proxyCertificate: { cert: proxy.certificatePem, key: proxy.privateKeyPem } },
    });
  /** The APIService's condition once it has that reason. */
  const untilReason = async (api: TestApiserver, reason: string) => {
    const path = `${services}?watch=true&fieldSelector=metadata.name=v1beta1.metrics.k8s.io`;
    for await (const { object } of api.admin.watch(path))
      if (object.status?.conditions?.[0]?.reason === reason) return object;
    throw new Error("the watch ended");
  };

  it("is not there where nobody asked for it: neither the group, nor its APIService, nor its role", async () => {
    const api = await start(new MemoryStorage(systemClock), false);
    const code = async (path: string) => (await api.admin.call("GET", path)).code;
    assert.equal(await code(`${group}/nodes`), 404);
    assert.equal(await code(ownService), 404);
    const role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:aggregated-metrics-reader";
    assert.equal(await code(role), 404);
    const { body } = await api.admin.call("GET", "/apis");
    assert.ok(!body.groups.some(({ name }: { name: string }) => name === "metrics.k8s.io"));
    await api.stop();
  });

  it("has an APIService that goes when a server starts that shall not serve it", async () => {
    const storage = new MemoryStorage(systemClock);
    const first = await start(storage, true);
    const made = await untilReason(first, "Local");
    assert.deepEqual(made.spec, {
      group: "metrics.k8s.io",
      version: "v1beta1",
      groupPriorityMinimum: 100,
      versionPriority: 100,
    });
    await first.stop();
    const second = await start(storage, false);
    const watch = await second.admin.openWatch(
      `${services}?watch=true&fieldSelector=metadata.name=v1beta1.metrics.k8s.io`,
    );
    if ((await second.admin.call("GET", ownService)).code !== 404)
      for await (const { type } of watch) if (type === "DELETED") break;
    await second.stop();
  });

  it("is passed on to a metrics-server that is installed, and is this server's again when that is gone", async () => {
    const { certificatePem, privateKeyPem } = await issueCertificate(authority, {
      commonName: "metrics-server",
      dnsNames: ["metrics-server.kube-system.svc"],
      usage: "server",
    });
    const other = createServer({ cert: certificatePem, key: privateKeyPem }, (request, response) => {
      const { pathname } = new URL(request.url ?? "/", "https://other");
      const answers: Readonly<Record<string, object>> = {
        [group]: { kind: "APIResourceList", groupVersion: "metrics.k8s.io/v1beta1", resources: [] },
        [`${group}/nodes`]: { kind: "NodeMetricsList", metadata: { continue: "the other's" }, items: [] },
      };
      const answer = answers[pathname];
      response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(answer ?? {}));
    });
    await once(other.listen(0, "127.0.0.1"), "listening");
    const { port } = other.address() as AddressInfo;
    const api = await start(new MemoryStorage(systemClock), true);
    await untilReason(api, "Local");
    const listed = async () => (await api.admin.call("GET", `${group}/nodes`)).body;
    assert.deepEqual((await listed()).metadata, {});
    await api.admin.call("POST", "/api/v1/namespaces/kube-system/services", {
      body: {
        metadata: { name: "metrics-server" },
        spec: { type: "ExternalName", externalName: "localhost" },
      },
    });
    // As the manifest of metrics-server is applied over what is there.
    const spec = {
      group: "metrics.k8s.io",
      version: "v1beta1",
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100,
      versionPriority: 100,
      service: { namespace: "kube-system", name: "metrics-server", port },
    };
    await api.admin.call("PATCH", ownService, { body: { spec }, type: "application/merge-patch+json" });
    const taken = await untilReason(api, "Passed");
    assert.deepEqual(taken.spec, spec);
    assert.equal((await listed()).metadata.continue, "the other's");
    assert.equal((await api.admin.call("GET", `${group}/pods`)).code, 404);
    await api.admin.call("DELETE", ownService);
    const again = await untilReason(api, "Local");
    assert.equal(again.spec.service, undefined);
    assert.deepEqual((await listed()).metadata, {});
    await api.stop();
    other.closeAllConnections();
    other.close();
  });
});
