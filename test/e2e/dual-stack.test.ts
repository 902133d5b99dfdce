import assert from "node:assert/strict";
import { canContain, eventually, isInstalled, type LocalCluster, startCluster } from "../local-cluster.ts";

const serve = `require("http").createServer((q, r) => r.end(require("os").hostname())).listen(8080, "::")`;
const fieldOf = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const pod = (name: string, nodeName: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: "web" } },
  spec: {
    nodeName,
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: "c",
        image: "pintle.local/host",
        command: ["node", "-e", serve],
        env: [fieldOf("POD_IPS", "status.podIPs"), fieldOf("HOST_IPS", "status.hostIPs")],
        readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 },
      },
    ],
  },
});
const objects = [
  pod("one", "node-1"),
  pod("two", "node-2"),
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: {
      type: "NodePort",
      ipFamilyPolicy: "RequireDualStack",
      selector: { app: "web" },
      ports: [{ port: 80, targetPort: 8080 }],
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "six" },
    spec: { ipFamilies: ["IPv6"], selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "balanced" },
    spec: {
      type: "LoadBalancer",
      loadBalancerClass: "pintle.dev/pool",
      ipFamilyPolicy: "RequireDualStack",
      selector: { app: "web" },
      ports: [{ port: 80, targetPort: 8080 }],
    },
  },
  {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "web" },
    spec: { defaultBackend: { service: { name: "web", port: { number: 80 } } } },
  },
];

describe("a cluster of both families", function () {
  this.timeout(300_000);
  let cluster: LocalCluster;

  before(async function () {
    if (!isInstalled("kubectl") || !canContain) return this.skip();
    cluster = await startCluster({ replicas: 1, nodes: 2, runtime: "oci", flags: ["--dual-stack"] });
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
    await cluster.kubectlWith(list, "apply", "-f", "-");
    await cluster.kubectl("wait", "--for=condition=Ready", "pod/one", "pod/two", "--timeout=120s");
  });
  after(() => cluster?.stop());

  const get = async (...words: readonly string[]) =>
    JSON.parse(await cluster.kubectl("get", ...words, "-o", "json"));
  const inPod = (name: string, ...command: readonly string[]) =>
    cluster.kubectl("exec", name, "-c", "c", "--", ...command);
  const fetchFrom = async (name: string, host: string) => {
    const program = `fetch("http://${host}").then((r) => r.text()).then(console.log, () => console.log("none"))`;
    return (await inPod(name, "node", "-e", program)).trim();
  };
  const comes = (what: string, ask: () => Promise<string>, wanted: RegExp) =>
    eventually(what, ask, (seen) => wanted.test(seen));

  it("gives pods and nodes an address of each, and tells pods of them", async () => {
    const { status } = await get("pod", "one");
    const ips = status.podIPs.map(({ ip }: { ip: string }) => ip);
    assert.match(ips.join(), /^10\.[\d.]+,fd00:10:[0-9a-f:]+$/);
    const hostIps = status.hostIPs.map(({ ip }: { ip: string }) => ip);
    assert.match(hostIps.join(), /^10\.[\d.]+,fd00:10:[0-9a-f:]+$/);
    assert.equal((await inPod("one", "printenv", "POD_IPS", "HOST_IPS")).trim(), `${ips}\n${hostIps}`);
    const { spec } = await get("node", "node-1");
    assert.equal(spec.podCIDRs.length, 2);
  });

  it("leads a Service of both families to pods of every node by each, by its name, too", async () => {
    const { spec } = await get("service", "web");
    assert.deepEqual(spec.ipFamilies, ["IPv4", "IPv6"]);
    const [v4, v6] = spec.clusterIPs;
    assert.match(v6, /^fd00:10:96::/);
    const slices = await get("endpointslices", "-l", "kubernetes.io/service-name=web");
    assert.deepEqual(slices.items.map((one: { addressType: string }) => one.addressType).sort(), [
      "IPv4",
      "IPv6",
    ]);
    for (const host of [v4, `[${v6}]`])
      for (const wanted of [/^one$/, /^two$/])
        await comes(`${host} leads to ${wanted}`, () => fetchFrom("one", host), wanted);
    const resolve = `require("dns").promises.resolve6("six.default.svc.cluster.local").then((v) => console.log(v.join()), (e) => console.log(e.code))`;
    await comes("its name", () => inPod("two", "node", "-e", resolve), /^fd00:10:96::/);
    await comes("a Service of IPv6 alone", () => fetchFrom("two", "six"), /^(one|two)$/);
  });

  it("reaches a pod of another node by IPv6, and a node port from this machine", async () => {
    const { status } = await get("pod", "two");
    await comes("the other node's", () => fetchFrom("one", `[${status.podIPs[1].ip}]:8080`), /^two$/);
    const { spec } = await get("service", "web");
    const node = (await get("pod", "one")).status.hostIPs[1].ip;
    const answer = await fetch(`http://[${node}]:${spec.ports[0].nodePort}`);
    assert.match(await answer.text(), /^(one|two)$/);
  });

  it("answers for Ingresses at each node's address of each family", async () => {
    const ingress = async (): Promise<readonly { readonly ip: string }[]> =>
      (await get("ingress", "web")).status.loadBalancer?.ingress ?? [];
    const given = await eventually("its addresses", ingress, (seen) => seen.length === 4);
    for (const { ip } of given) {
      const url = `http://${ip.includes(":") ? `[${ip}]` : ip}/`;
      const text = () =>
        fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
          (answer) => answer.text(),
          () => "nothing",
        );
      await comes(`${ip} answers`, text, /^(one|two)$/);
    }
  });

  it("answers this machine at a load balancer's addresses of the pool, one of each family", async () => {
    const ingress = async (): Promise<readonly { readonly ip: string }[]> =>
      (await get("service", "balanced")).status.loadBalancer?.ingress ?? [];
    const given = await eventually("addresses are given", ingress, (seen) => seen.length === 2);
    const [v4, v6] = given.map(({ ip }) => ip);
    assert.match(`${v4} ${v6}`, /^10\.[\d.]+ fd00:10:[0-9a-f:]+$/);
    for (const host of [v4, `[${v6}]`]) {
      const ask = () => fetch(`http://${host}/`, { signal: AbortSignal.timeout(2_000) });
      const text = () =>
        ask().then(
          (answer) => answer.text(),
          () => "nothing",
        );
      await comes(`${host} answers`, text, /^(one|two)$/);
    }
  });
});
