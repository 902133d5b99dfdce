import { strict as assert } from "node:assert";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFlags } from "../../../../base/os/flags.ts";
import type { Running } from "../../../../base/os/os.ts";
import { resources } from "../../../../client/resources.ts";
import type { RestClient } from "../../../../client/rest.ts";
import type { Pod } from "../../../../client/types.ts";
import {
  startTestApiserver,
  type TestApiserver,
  testOs,
} from "../../../../controlplane/apiserver/testing.ts";
import { startAgent } from "../../../agent.ts";
import { agentConfig, agentFlags } from "../../../flags.ts";
import { mustRun } from "../../../runtime/supervised/run-command.ts";
import { nodeIdentity, openAdministrator, until } from "../../../testing/whole-node.ts";

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
    argv = [
      ...(await nodeIdentity(api, dir, { nodeName: "n-cni", address: nodeIp })),
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
    client = await openAdministrator(api);
    await leaveOverlay();
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

  it("is rid of the overlay of an agent before it that connected pods itself", async () => {
    const links = await mustRun(["ip", "-o", "link"]);
    assert.doesNotMatch(links, /pintle-(vxlan|pods)/);
    assert.equal((await mustRun(["ip", "route", "show", "proto", "112"])).trim(), "");
    assert.doesNotMatch(await mustRun(["nft", "list", "tables"]), /pintle-overlay/);
  });

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

/** What an agent with a bridge of its own has towards other nodes. */
async function leaveOverlay(): Promise<void> {
  for (const words of [
    "ip link add pintle-vxlan type vxlan id 7468 dstport 8472 nolearning",
    "ip link set pintle-vxlan up",
    "ip route add 10.99.8.0/24 dev pintle-vxlan proto 112",
    "ip route add 10.99.9.0/24 dev lo proto 112",
    "nft add table ip pintle-overlay",
  ])
    await mustRun(words.split(" "));
}
