// A process that runs a suite on clusters inside of it, and prints what it cost as JSON.
import { createsPerSecond, oneTest } from "./suite.mjs";

const { tests, seconds, clients } = JSON.parse(process.argv[2] ?? "{}");
const residentMb = () => process.memoryUsage.rss() / 2 ** 20;
/** From the start of the process. */
const sinceStartMs = () => performance.now();
const timed = async (work) => {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
};

const { startCluster } = await import("../../dist/lib/index.js");
const importedMs = sinceStartMs();
const cluster = await startCluster({ nodes: 1 });
const readyMs = sinceStartMs();
const residentReadyMb = residentMb();
let second;
const secondMs = await timed(async () => {
  second = await startCluster({ nodes: 1 });
});
await second.stop();
const sharedMs = await timed(async () => {
  for (let test = 0; test < tests; test++) await oneTest(cluster.client.rest, `shared-${test}`);
});
const freshMs = await timed(async () => {
  for (let test = 0; test < tests; test++) {
    const own = await startCluster({ nodes: 1 });
    await oneTest(own.client.rest, "suite");
    await own.stop();
  }
});
const residentSuiteMb = residentMb();
const creates = await createsPerSecond(cluster.client.rest, { seconds, clients });
const stopMs = await timed(() => cluster.stop());
console.log(
  JSON.stringify({
    importedMs,
    readyMs,
    secondMs,
    residentReadyMb,
    residentSuiteMb,
    sharedMs,
    freshMs,
    creates,
    stopMs,
  }),
);
