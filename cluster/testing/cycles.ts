// Starts and stops clusters one after the other, and tells as JSON what of each was still held when all were stopped.
// Usage: node --expose-gc --import tsx cluster/testing/cycles.ts CYCLES
import { readdirSync } from "node:fs";
import { startCluster } from "../start-cluster.ts";

const cycles = Number(process.argv[2] ?? 10);
const web = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "c", image: "web" }] },
    },
  },
};

async function oneCycle(): Promise<readonly WeakRef<object>[]> {
  const cluster = await startCluster({ nodes: 2 });
  await cluster.apply(web);
  await cluster.untilReady(web);
  const made = [cluster, cluster.client, cluster.clock, cluster.requests, cluster.events, cluster.faults];
  await cluster.stop();
  return made.map((one) => new WeakRef(one));
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const collect = async () => {
  for (let round = 0; round < 3; round++) {
    await turn();
    globalThis.gc?.();
  }
};
const open = () => ({
  files: readdirSync("/proc/self/fd").length,
  resources: process.getActiveResourcesInfo().filter((one) => one !== "CloseReq").length,
});
const heapMb = () => process.memoryUsage().heapUsed / 2 ** 20;

// The first ones load, compile and fill what is kept for good.
for (let cycle = 0; cycle < 3; cycle++) await oneCycle();
await collect();
const before = { ...open(), heapMb: heapMb() };
const held: WeakRef<object>[] = [];
for (let cycle = 1; cycle <= cycles; cycle++) {
  held.push(...(await oneCycle()));
  if (cycle % 50 === 0)
    process.stderr.write(`${cycle} of ${cycles}: ${heapMb().toFixed(1)} MB of heap before a collection\n`);
}
await collect();
const left = held.filter((one) => one.deref() !== undefined).length;
console.log(JSON.stringify({ cycles, left, before, after: { ...open(), heapMb: heapMb() } }));
