import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { must } from "../../base/assert.ts";
import { issueCertificate } from "../../base/os/pki.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import { exampleConfig } from "../integration/discovered-targets.ts";
import { type Alert, Prometheus, prometheusMissing } from "../integration/prometheus.ts";
import { eventually, isInstalled, type LocalCluster, startCluster } from "../local-cluster.ts";

const example = join(import.meta.dirname, "../../examples/prometheus");

/** What these say depends on how fast this machine is, or on a guess that some seconds are too few for: they wait as long as
 *  they do for everybody. */
const patient =
  /^(etcdExcessiveDatabaseGrowth|etcdGRPCRequestsSlow|etcdHigh(Fsync|Commit)Durations|etcdMemberCommunicationSlow|KubeAPIErrorBudgetBurn|KubeClientErrors|KubeAPITerminatedRequests|KubePersistentVolume(Inodes)?FillingUp|etcdHighNumberOfFailedGRPCRequests)$/;

interface Rules {
  readonly groups: readonly {
    readonly name: string;
    interval?: string;
    readonly rules: readonly { readonly alert?: string; for?: string }[];
  }[];
}

/** A pod that is well, and one that is not. */
const pod = (name: string, ...command: string[]) =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default" },
    spec: { nodeName: "node-1", containers: [{ name: "main", image: "pintle.local/host", command }] },
  });

describe("e2e: Prometheus with the well-known alerts", function () {
  this.timeout(240_000);
  let cluster: LocalCluster;
  let prometheus: Prometheus | undefined;
  let folder = "";
  const paused = new Set<number>();
  const clients: RestClient[] = [];

  const pidOf = (name: string) =>
    must(cluster.state().components.find((one) => one.name === name)?.pid ?? undefined, `${name} runs`);
  const pause = (name: string) => {
    const pid = pidOf(name);
    process.kill(pid, "SIGSTOP");
    paused.add(pid);
  };
  const clientOf = (config: object) => {
    const base = loadKubeconfig(cluster.kubeconfig);
    const { certificatePem: _, privateKeyPem: __, ...anonymous } = base;
    const client = new RestClient({ ...anonymous, ...config });
    clients.push(client);
    return client;
  };
  const firing = async () => {
    const alerts = await must(prometheus, "it runs").alerts();
    const nameOf = ({ labels }: Alert) => labels.alertname ?? "";
    return [...new Set(alerts.filter(({ state }) => state === "firing").map(nameOf))].sort();
  };
  const fires = (...wanted: string[]) =>
    eventually(`${wanted.join(", ")} fire`, firing, (names) => wanted.every((name) => names.includes(name)));

  before(async function () {
    if (prometheusMissing || !isInstalled("kubectl")) return this.skip();
    folder = await mkdtemp(join(tmpdir(), "pintle-discovery-"));
    cluster = await startCluster({
      ...{ replicas: 3, nodes: 2, runtime: "process" },
      flags: ["--publish-metrics", "--dashboard=false"],
    });
  });
  after(async () => {
    for (const client of clients) client.close();
    await prometheus?.stop();
    for (const pid of paused)
      try {
        process.kill(pid, "SIGCONT");
      } catch {
        // it is gone
      }
    await cluster?.stop();
    if (folder !== "") await rm(folder, { recursive: true });
  });

  it("finds every part by its service account, and is told of no trouble by a cluster that is well", async () => {
    await cluster.kubectlWith(pod("well", "sleep", "100000"), "apply", "-f", "-");
    await cluster.kubectl("apply", "-f", join(example, "rbac.yaml"));
    await cluster.kubectl("wait", "--for=condition=Ready", "pod/well", "--timeout=60s");
    const token = (await cluster.kubectl("create", "token", "prometheus", "--namespace=monitoring")).trim();
    const caPem = must(loadKubeconfig(cluster.kubeconfig).caPem, "an authority");
    const rules: string[] = [];
    for (const name of await readdir(join(example, "rules"))) {
      const all = parse(await readFile(join(example, "rules", name), "utf8")) as Rules;
      for (const group of all.groups) {
        delete group.interval;
        for (const rule of group.rules) if (rule.for && !patient.test(rule.alert ?? "")) rule.for = "5s";
      }
      const file = join(folder, `${name}.json`);
      await writeFile(file, JSON.stringify(all));
      rules.push(file);
    }
    prometheus = await Prometheus.startWith({
      global: { scrape_interval: "3s", scrape_timeout: "3s", evaluation_interval: "500ms" },
      rule_files: rules,
      ...(await exampleConfig(example, folder, { client: clientOf({ token }), token, caPem })),
    });
    const server = prometheus;
    const up = await eventually(
      "all targets answer",
      () => server.query("count by (job) (up == 1)"),
      (samples) => {
        const found = new Map(samples.map(({ metric, value }) => [metric.job, Number(value[1])]));
        const wanted = { apiserver: 2, etcd: 3, "kube-scheduler": 2, "kube-controller-manager": 2 };
        const more = { kubelet: 8, "kube-state-metrics": 2 };
        return Object.entries({ ...wanted, ...more }).every(([job, count]) => found.get(job) === count);
      },
    );
    assert.equal(up.length, 6);
    await eventually("only the watchdog barks", firing, (names) => names.join() === "Watchdog");
    // Every group is looked at so often again that whatever waits has its chance.
    for (let round = 0; round < 12; round++) {
      const before = await server.evaluations();
      await eventually(
        "rules are evaluated",
        () => server.evaluations(),
        (now) => now.every((time, at) => time !== before[at]),
      );
      assert.deepEqual(await firing(), ["Watchdog"]);
    }
    const told = async (expression: string) => (await server.query(expression)).length;
    for (const expression of [
      'kube_pod_info{job="kube-state-metrics",pod="well",namespace="default"}',
      'container_memory_working_set_bytes{job="kubelet",metrics_path="/metrics/cadvisor",pod="well",container="main"}',
      'node_namespace_pod_container:container_memory_rss{pod="well"}',
      "apiserver_request:burnrate5m",
      'kubelet_running_pods{job="kubelet",metrics_path="/metrics"}',
    ])
      assert.ok((await told(expression)) > 0, expression);
  });

  it("is told what is wrong when a pod, a certificate, a node or a member goes bad", async () => {
    assert.ok(prometheus, "the test before started it");
    const client = clientOf(loadKubeconfig(cluster.kubeconfig));
    pause("store-1");
    pause("node-2");
    const silent = { type: "Ready", status: "Unknown", reason: "NodeStatusUnknown" };
    await client.patch(
      resources.nodes,
      { name: "node-2" },
      { status: { conditions: [silent] } },
      { type: "strategic", subresource: "status" },
    );
    const pem = (name: string) => readFile(join(cluster.folder, "pki", name), "utf8");
    const authority = { certificatePem: await pem("ca.pem"), privateKeyPem: await pem("ca-key.pem") };
    const serving = await issueCertificate(authority, {
      ...{ commonName: "system:node:node-1", organizations: ["system:nodes"] },
      ...{ dnsNames: ["node-1"], addresses: ["127.0.0.1"], usage: "server", validDays: 1 },
    });
    await writeFile(join(cluster.folder, "pki/node-node-1.pem"), serving.certificatePem);
    await writeFile(join(cluster.folder, "pki/node-node-1-key.pem"), serving.privateKeyPem);
    await cluster.pintle("kill", "node-1");
    await cluster.kubectlWith(pod("crashes", "false"), "apply", "-f", "-");
    const visitor = await issueCertificate(authority, {
      commonName: "visitor",
      usage: "client",
      validDays: 1,
    });
    // One in a hundred requests counts.
    for (const server of loadKubeconfig(cluster.kubeconfig).servers) {
      const visiting = clientOf({ ...visitor, servers: [server] });
      for (let at = 0; at < 500; at++) await visiting.raw("GET", "/version");
    }
    await fires(
      "KubeClientCertificateExpiration",
      "KubeNodeNotReady",
      "KubeNodeUnreachable",
      "KubePodCrashLooping",
      "KubePodNotReady",
      "KubeletInstanceUnreachable",
      "KubeletServerCertificateExpiration",
      "TargetDown",
      "etcdMembersDown",
    );
    pause("store-2");
    await fires("etcdInsufficientMembers");
  });
});
