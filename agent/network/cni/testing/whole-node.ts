import { strict as assert } from "node:assert";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFlags } from "../../../../base/os/flags.ts";
import type { Running } from "../../../../base/os/os.ts";
import { issueCertificate } from "../../../../base/os/pki.ts";
import { loadKubeconfig } from "../../../../client/kubeconfig.ts";
import { resources } from "../../../../client/resources.ts";
import { RestClient } from "../../../../client/rest.ts";
import type { Pod } from "../../../../client/types.ts";
import {
  startTestApiserver,
  type TestApiserver,
  testOs,
} from "../../../../controlplane/apiserver/testing.ts";
import { startAgent } from "../../../agent.ts";
import { agentConfig, agentFlags } from "../../../flags.ts";
import { mustRun } from "../../../runtime/supervised/run-command.ts";

// One whole agent with a whole API server, in a network namespace of their own: `whole-node.test.ts` makes it.
const nodeIp = "10.98.0.1";

describe("agent, with CNI plugins", function () {
  this.timeout(120_000);
  let dir: string;
  let api: TestApiserver;
  let client: RestClient;
  let agent: Running;
  let argv: string[];
  const start = () => startAgent(agentConfig(parseFlags(agentFlags, argv).flags), testOs());
  const leases = () => readdirSync(join(dir, "leases", "net")).filter((name) => /^[\d.]+$|:/.test(name));

  before(async () => {
    for (const words of ["link set lo up", `addr add ${nodeIp}/32 dev lo`])
      await mustRun(["ip", ...words.split(" ")]);
    dir = await mkdtemp(join(tmpdir(), "pintle-agent-"));
    mkdirSync(join(dir, "net.d"));
    api = await startTestApiserver();
    const name = { commonName: "system:node:n-cni", addresses: [nodeIp] };
    const serving = await issueCertificate(api.authority, { ...name, usage: "server" });
    await writeFile(join(dir, "cert"), serving.certificatePem);
    await writeFile(join(dir, "key"), serving.privateKeyPem);
    await writeFile(join(dir, "ca"), api.authority.certificatePem);
    argv = [
      "--node-name=n-cni",
      `--tls-cert-file=${dir}/cert`,
      `--tls-private-key-file=${dir}/key`,
      `--client-ca-file=${dir}/ca`,
      `--kubeconfig=${await api.kubeconfigFor("system:node:n-cni", ["system:nodes"])}`,
      `--root-dir=${dir}/root`,
      "--runtime=oci",
      "--allow-host-image",
      "--network-plugin=cni",
      `--cni-conf-dir=${dir}/net.d`,
      "--cni-bin-dir=/opt/none,/usr/lib/cni",
      `--node-ip=${nodeIp}`,
      "--port=0",
      "--service-cluster-ip-range=10.97.0.0/24",
      "--node-status-update-frequency=200ms",
    ];
    client = new RestClient(loadKubeconfig(api.kubeconfig));
    for (const name of ["default", "kube-node-lease"])
      await client
        .create(resources.namespaces, { metadata: { name }, spec: {} })
        .catch((error: unknown) => assert.match(String(error), /already exists/));
    agent = await start();
  });
  after(async () => {
    await client.deleteCollection(resources.pods, { namespace: "default", gracePeriodSeconds: 1 });
    await until(
      () => client.list(resources.pods, { namespace: "default" }),
      ({ items }) => items.length === 0,
    );
    await agent.stop();
    client.close();
    await api.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const run = (name: string, spec: Partial<Pod["spec"]> = {}) =>
    client.create(resources.pods, {
      metadata: { name, namespace: "default" },
      spec: {
        nodeName: "n-cni",
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "c",
            image: "pintle.local/host",
            command: ["/bin/sh", "-c", "echo $IPS; exec sleep 1000"],
            env: [{ name: "IPS", valueFrom: { fieldRef: { fieldPath: "status.podIPs" } } }],
          },
        ],
        ...spec,
      },
    });
  const pod = (name: string, wanted: (pod: Pod) => boolean) =>
    until(() => client.get(resources.pods, { namespace: "default", name }), wanted);
  const isRunning = ({ status }: Pod) => status?.phase === "Running";
  const nodeReady = async () => {
    const { status } = await client.get(resources.nodes, { name: "n-cni" });
    return status?.conditions?.find(({ type }) => type === "Ready");
  };

  it("is not ready before a network is installed; what needs none runs, the rest waits", async () => {
    const ready = await until(nodeReady, (one) => one?.status === "False");
    assert.equal(ready?.reason, "KubeletNotReady");
    assert.match(
      ready?.message ?? "",
      /NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni config uninitialized/,
    );
    await run("web");
    await run("installer", { hostNetwork: true });
    await pod("installer", isRunning);
    const { items } = await until(
      () => client.list(resources.events, { namespace: "default" }),
      (events) => events.items.some(({ message }) => message?.includes("network is not ready")),
    );
    assert.ok(items.some(({ involvedObject }) => involvedObject.name === "web"));
  });

  it("is ready once it is installed, and pods have its addresses", async () => {
    const ipam = {
      type: "host-local",
      dataDir: join(dir, "leases"),
      ranges: [[{ subnet: "10.99.1.0/24" }], [{ subnet: "fd00:99:1::/64" }]],
    };
    const bridge = { type: "bridge", bridge: "cni-test0", isGateway: true, ipam };
    const network = { cniVersion: "1.0.0", name: "net", plugins: [bridge] };
    writeFileSync(join(dir, "net.d", "10-net.conflist"), JSON.stringify(network));
    await until(nodeReady, (one) => one?.status === "True");
    const { status } = await pod("web", isRunning);
    const ips = (status?.podIPs ?? []).map(({ ip }) => ip ?? "");
    assert.match(ips[0] ?? "", /^10\.99\.1\.\d+$/);
    assert.match(ips[1] ?? "", /^fd00:99:1::/);
    assert.equal(status?.podIP, ips[0]);
    let said = "";
    for await (const chunk of client.logs({ namespace: "default", name: "web" }, {}))
      said += Buffer.from(chunk).toString();
    assert.equal(said.trim(), ips.join(","));
  });

  it("keeps its pods when the agent starts anew, and gives back what they had", async () => {
    const before = await pod("web", isRunning);
    await agent.stop();
    agent = await start();
    const after = await pod("web", isRunning);
    assert.equal(after.status?.podIP, before.status?.podIP);
    assert.equal(after.status?.containerStatuses?.[0]?.restartCount, 0);
    assert.equal(leases().length, 2);
    await client.delete(resources.pods, { namespace: "default", name: "web" });
    await until(
      async () => leases(),
      (left) => left.length === 0,
    );
  });
});

async function until<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  const giveUpMs = Date.now() + 60_000;
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (Date.now() > giveUpMs) assert.fail(`not in time: ${JSON.stringify(answer).slice(0, 3000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
