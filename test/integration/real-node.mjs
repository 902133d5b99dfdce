// A program that has installed the package: a cluster with a real node that runs a pod, which it tells the process of. It goes on
// until it is killed. With `forget` it comes to its end and stops nothing, and is of CommonJS; with `kill-keeper` the process that
// keeps the node is killed before it stops in good order.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

const what = process.argv[2];
const { startCluster } =
  what === "forget"
    ? createRequire(import.meta.url)("../../dist/cjs/index.cjs")
    : await import("../../dist/lib/index.js");
const cluster = await startCluster({ nodes: [{ runtime: "processes" }] });
const command = ["sh", "-c", "echo process $$$$; exec sleep 600"];
const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "sleeps" },
  spec: { containers: [{ name: "c", image: "pintle.local/host", command }] },
};
await cluster.apply(pod);
await cluster.untilReady(pod);
let text = "";
while (!text.includes("\n")) {
  text = "";
  for await (const piece of cluster.client.logs({ namespace: "default", name: "sleeps" }))
    text += Buffer.from(piece);
}
console.log(text.trim());
if (what === "kill-keeper") {
  process.kill(Number(readdirSync("/proc").find(isKeeper)), "SIGKILL");
  await cluster.stop();
} else if (what !== "forget") await new Promise((resolve) => setTimeout(resolve, 600_000));

function isKeeper(pid) {
  try {
    const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return parent === String(process.pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("__nodes");
  } catch {
    return false; // it has just ended, or is no process
  }
}
