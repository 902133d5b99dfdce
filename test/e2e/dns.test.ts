import assert from "node:assert/strict";
import {
  canContain,
  eventually,
  isInstalled,
  type LocalCluster,
  run,
  startCluster,
} from "../local-cluster.ts";

const idle = { name: "c", image: "pintle.local/host", command: ["sleep", "3600"] };
const pod = (name: string, spec: object = {}, container: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: name } },
  spec: { terminationGracePeriodSeconds: 1, containers: [{ ...idle, ...container }], ...spec },
});
const service = (name: string, spec: object) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec,
});
const objects = [
  // As a StatefulSet's pods are.
  pod("db-0", { hostname: "db-0", subdomain: "db" }),
  pod("client"),
  pod("early", {}, { readinessProbe: { exec: { command: ["false"] } } }),
  pod("on-node", { hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" }),
  pod("own", {
    dnsPolicy: "None",
    dnsConfig: {
      nameservers: ["192.0.2.53"],
      searches: ["shop.example"],
      options: [{ name: "ndots", value: "2" }],
    },
  }),
  service("db", { clusterIP: "None", selector: { app: "db-0" }, ports: [{ name: "sql", port: 5432 }] }),
  service("front", { selector: { app: "client" }, ports: [{ name: "http", port: 80 }] }),
  service("early", {
    clusterIP: "None",
    publishNotReadyAddresses: true,
    selector: { app: "early" },
    ports: [{ port: 80 }],
  }),
  service("alias", { type: "ExternalName", externalName: "front.default.svc.cluster.local" }),
];

/** What the cluster's DNS says in a pod, and in its node. */
describe("the cluster's DNS", function () {
  this.timeout(300_000);
  let cluster: LocalCluster;
  let frontIp: string;
  let dbIp: string;

  before(async function () {
    if (!isInstalled("kubectl") || !canContain) return this.skip();
    cluster = await startCluster({ replicas: 1, nodes: 1, runtime: "oci" });
    await cluster.kubectlWith(
      JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }),
      "apply",
      "-f",
      "-",
    );
    await cluster.kubectl(
      "wait",
      "--for=condition=Ready",
      "pod/db-0",
      "pod/client",
      "pod/on-node",
      "pod/own",
      "--timeout=120s",
    );
    const field = (what: string, path: string) => cluster.kubectl("get", what, "-o", `jsonpath={${path}}`);
    frontIp = await field("service/front", ".spec.clusterIP");
    dbIp = await field("pod/db-0", ".status.podIP");
  });
  after(() => cluster?.stop());

  const inPod = (name: string, ...command: string[]) =>
    cluster.kubectl("exec", name, "-c", "c", "--", ...command);
  /** What Node's resolver makes of a question, asked as the pod's resolv.conf says. */
  const program = (call: string) =>
    `require("dns").promises.${call}.then((v) => console.log(JSON.stringify(v)), (e) => console.log(e.code))`;
  const ask = async (call: string, from = "client") =>
    (await inPod(from, "node", "-e", program(call))).trim();
  /** Endpoints come to the node in their own time. */
  const comes = (call: string, wanted: string) =>
    eventually(
      call,
      () => ask(call),
      (seen) => seen === wanted,
    );

  it("gives a Service's address by its name, and the name by its address", async () => {
    const name = "front.default.svc.cluster.local";
    await comes(`resolve4("${name}")`, JSON.stringify([frontIp]));
    assert.equal(await ask(`reverse("${frontIp}")`), JSON.stringify([name]));
    assert.equal(await ask(`resolve6("${name}")`), "ENODATA");
    assert.equal(await ask(`resolve4("absent.default.svc.cluster.local")`), "ENOTFOUND");
    assert.match(await inPod("client", "getent", "ahostsv4", "kubernetes.default"), /^10\.96\.0\.1 /);
  });

  it("gives a StatefulSet's pod by its host name, where it is found, and its name by its address", async () => {
    const name = "db-0.db.default.svc.cluster.local";
    await comes(`resolve4("${name}")`, JSON.stringify([dbIp]));
    assert.equal(await ask(`resolve4("db.default.svc.cluster.local")`), JSON.stringify([dbIp]));
    const [place] = JSON.parse(await ask(`resolveSrv("_sql._tcp.db.default.svc.cluster.local")`));
    assert.deepEqual([place.name, place.port], [name, 5432]);
    assert.equal(await ask(`reverse("${dbIp}")`), JSON.stringify([name]));
    assert.equal(
      await ask(`resolve4("${dbIp.replaceAll(".", "-")}.default.pod.cluster.local")`),
      JSON.stringify([dbIp]),
    );
    assert.match(await inPod("client", "getent", "ahostsv4", "db-0.db"), new RegExp(`^${dbIp} `));
  });

  it("gives the pods of a Service that publishes them before they are ready", async () => {
    await eventually(
      "early has an address",
      () => ask(`resolve4("early.default.svc.cluster.local")`),
      (seen) => /^\["10\./.test(seen),
    );
  });

  it("leads from an external name to where that leads", async () => {
    await comes(`resolveCname("alias.default.svc.cluster.local")`, '["front.default.svc.cluster.local"]');
    assert.equal(await ask(`resolve4("alias.default.svc.cluster.local")`), JSON.stringify([frontIp]));
  });

  it("is what pods' resolv.conf says, by their dnsPolicy and dnsConfig", async () => {
    const lines = (await inPod("client", "cat", "/etc/resolv.conf")).split("\n");
    assert.ok(lines.includes("nameserver 10.96.0.10") && lines.includes("options ndots:5"));
    assert.ok(
      lines.some((line) =>
        line.startsWith("search default.svc.cluster.local svc.cluster.local cluster.local"),
      ),
    );
    assert.equal(
      await inPod("own", "cat", "/etc/resolv.conf"),
      "nameserver 192.0.2.53\nsearch shop.example\noptions ndots:2\n",
    );
    assert.equal(
      await ask(`resolve4("front.default.svc.cluster.local")`, "on-node"),
      JSON.stringify([frontIp]),
    );
  });

  it("goes on answering while the API does not", async () => {
    const { components, plan } = cluster.state();
    const server = components.find(({ kind }) => kind === "server")?.pid;
    assert.ok(server);
    const call = program(`resolve4("db-0.db.default.svc.cluster.local")`);
    const script = `require("dns").setServers(["10.96.0.10"]); ${call}`;
    process.kill(server, "SIGSTOP");
    try {
      const node = `--net=/run/netns/pintle${plan.networkSlot}-node-1`;
      assert.equal(
        (await run("nsenter", [node, "--", process.execPath, "-e", script], process.env)).trim(),
        JSON.stringify([dbIp]),
      );
    } finally {
      process.kill(server, "SIGCONT");
    }
  });
});

/** A DNS server for trying, as a Deployment of CoreDNS would be: it tells every name the same address. */
const fixedServer = `require("dgram").createSocket("udp4").on("message", function (query, from) {
  const question = query.subarray(12, query.indexOf(0, 12) + 5);
  const header = Buffer.from([query[0], query[1], 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 192, 0, 2, 77]);
  this.send(Buffer.concat([header, question, record]), from.port, from.address);
}).bind(53)`;

describe("another DNS than the nodes' own", function () {
  this.timeout(300_000);
  let cluster: LocalCluster;

  before(async function () {
    if (!isInstalled("kubectl") || !canContain) return this.skip();
    const flags = ["--cluster-dns=10.96.0.10"];
    cluster = await startCluster({ replicas: 1, nodes: 1, runtime: "oci", flags });
  });
  after(() => cluster?.stop());

  it("is what pods are told of, and has the address to itself", async () => {
    const services = await cluster.kubectl("get", "services", "-n", "kube-system", "-o", "name");
    assert.equal(services, "", "the Service is for whoever brings the DNS");
    const own = [
      pod("coredns", {}, { command: ["node", "-e", fixedServer] }),
      pod("client"),
      service("kube-dns", {
        clusterIP: "10.96.0.10",
        selector: { app: "coredns" },
        ports: [{ port: 53, protocol: "UDP" }],
      }),
    ];
    await cluster.kubectlWith(
      JSON.stringify({ apiVersion: "v1", kind: "List", items: own }),
      "apply",
      "-f",
      "-",
    );
    await cluster.kubectl("wait", "--for=condition=Ready", "pod/coredns", "pod/client", "--timeout=120s");
    assert.match(
      await cluster.kubectl("exec", "client", "--", "cat", "/etc/resolv.conf"),
      /^nameserver 10\.96\.0\.10$/m,
    );
    await eventually(
      "the other server answers",
      () => cluster.kubectl("exec", "client", "--", "getent", "ahostsv4", "kubernetes.default"),
      (seen) => seen.startsWith("192.0.2.77 "),
    );
  });
});
