/** Run inside a network namespace by test-node.ts: a node's network, proxy and DNS, whose objects a test sets. Reads commands
 *  from stdin, one JSON value a line, and answers each with one line. */
import { createInterface } from "node:readline";
import { systemClock } from "../../../base/os/clock.ts";
import { systemDisk } from "../../../base/os/disk.ts";
import { createLog } from "../../../base/os/log.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import { startClusterDns } from "../../dns/cluster-dns.ts";
import { dnsPlaces } from "../../network-config.ts";
import type { FamilyNetwork, ProxyMode } from "../../network-seam.ts";
import { startNodeNetwork } from "../node-network.ts";
import type { PodNetworkBackend } from "../peers/plan-peers.ts";
import { startServiceProxy } from "../service-proxy.ts";
import { FixedInformers } from "./fixed-informers.ts";

const [
  stateDir = "",
  nodeIp = "",
  podCidr = "",
  clusterCidr = "",
  serviceCidr = "",
  confDir = "",
  binDir = "",
] = process.argv.slice(2);
const {
  TEST_NODE_NAME: nodeName = "node-1",
  TEST_NODE_BACKEND: backend = "auto",
  TEST_NODE_V6: v6Text = "",
  TEST_NODE_PROXY: proxyMode = "",
} = process.env;
const v6 = v6Text === "" ? undefined : (JSON.parse(v6Text) as FamilyNetwork);
const os = {
  clock: systemClock,
  random: systemRandom,
  disk: systemDisk,
  log: createLog({ format: "text" }),
  metrics: new MetricsRegistry(),
};
const informers = new FixedInformers();
const config = {
  nodeName,
  backend: backend as PodNetworkBackend,
  nodeIp,
  podCidr,
  clusterCidr,
  serviceCidr,
  stateDir,
  mode: confDir === "" ? "bridge" : "cni",
  cni: { confDir, binDirs: [binDir] },
  dnsAddress: "10.96.0.10",
  ...(v6 !== undefined && { v6 }),
  ...(proxyMode !== "" && { proxyMode: proxyMode as ProxyMode }),
} as const;
const client = new FakeApi();
const deps = { os, client, informers: informers.asFactory() };
const network = await startNodeNetwork(config, deps);
const places = dnsPlaces(config);
await network.takeAddresses(places.addresses);
const dns = await startClusterDns(
  {
    ...places,
    domain: "cluster.local",
    isPod: network.hasPodAt,
    nodeIp,
    resolvConf: "",
  },
  deps,
);
const proxy = await startServiceProxy(config, deps);

const commands: Readonly<Record<string, (input: never) => Promise<unknown>>> = {
  attach: (pod: Parameters<typeof network.pods.attach>[0]) => network.pods.attach(pod),
  detach: async (pod: Parameters<typeof network.pods.detach>[0]) => (await network.pods.detach(pod)) ?? null,
  restore: (known: Parameters<typeof network.pods.restore>[0]) => network.pods.restore(known),
  set: async (input: { readonly plural: string; readonly objects: object[] }) => {
    informers.set(input.plural, input.objects);
    return null;
  },
  events: async () => (await client.list(resources.events)).items.map(({ message }) => message),
};
process.stdout.write("ready\n");
for await (const line of createInterface({ input: process.stdin })) {
  const { command, input } = JSON.parse(line) as { command: string; input: never };
  try {
    process.stdout.write(`${JSON.stringify({ ok: await commands[command]?.(input) })}\n`);
  } catch (error) {
    process.stdout.write(
      `${JSON.stringify({ error: String(error), cause: error instanceof Error ? String(error.cause) : "" })}\n`,
    );
  }
}
dns.stop();
await proxy.stop();
await network.stop();
