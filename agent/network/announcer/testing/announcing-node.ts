/** Run inside a network namespace by two-nodes.ts: a node's proxy and announcer, and a server at 8080 that answers with the node's
 *  name. Objects come on stdin, a JSON value a line: `{ plural, objects }`. */
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { parseIpSpans } from "../../../../base/ip-spans.ts";
import { systemClock } from "../../../../base/os/clock.ts";
import { systemDisk } from "../../../../base/os/disk.ts";
import { createLog } from "../../../../base/os/log.ts";
import { MetricsRegistry } from "../../../../base/os/metrics.ts";
import { systemRandom } from "../../../../base/os/random.ts";
import type { ApiClient } from "../../../../client/api.ts";
import { FakeApi } from "../../../../client/testing/fake-api.ts";
import { startServiceProxy } from "../../service-proxy.ts";
import { FixedInformers } from "../../testing/fixed-informers.ts";
import { startAnnouncer } from "../start-announcer.ts";
import { leasesAt } from "./lease-socket.ts";

const [nodeName = "", nodeIp = "", nodeIp6 = "", pool = "", leases = ""] = process.argv.slice(2);
const log = createLog({ format: "text" });
const os = {
  clock: systemClock,
  random: systemRandom,
  disk: systemDisk,
  log,
  metrics: new MetricsRegistry(),
};
const informers = new FixedInformers();
const balancerPool = parseIpSpans(pool.split(",")).spans;
const config = {
  nodeName,
  nodeIp,
  podCidr: "10.198.1.0/24",
  v6: { nodeIp: nodeIp6, podCidr: "fd00:198:0:1::/64" },
  stateDir: "",
  mode: "bridge",
  balancerPool,
} as const;
const deps = { os, client: new FakeApi(), informers: informers.asFactory() };
const proxy = await startServiceProxy(config, deps);
const client = (await leasesAt(leases)) as ApiClient;
const announcer = await startAnnouncer(
  { ...config, nodeIps: [nodeIp, nodeIp6], pool: balancerPool },
  { ...deps, client },
);
createServer((_, response) => response.end(nodeName)).listen(8080, "::", () => console.log("ready"));
for await (const line of createInterface({ input: process.stdin })) {
  const { plural, objects } = JSON.parse(line) as { plural: string; objects: object[] };
  informers.set(plural, objects);
}
await announcer.stop();
await proxy.stop();
process.exit(0);
