// A process that does what Go's envtest does: starts etcd and kube-apiserver, runs a suite on them, and prints what it cost as JSON.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createsPerSecond, oneTest } from "./suite.mjs";

const { commands, kubeconfig, tests, seconds, clients } = JSON.parse(process.argv[2] ?? "{}");
const children = [];
const residentOf = (pid) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
const residentMb = () =>
  [process.pid, ...children.map(({ pid }) => pid)].map(residentOf).reduce((a, b) => a + b);
const timed = async (work) => {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
};

async function untilReady(client) {
  for (;;) {
    for (const { exitCode, spawnfile } of children)
      if (exitCode !== null) throw new Error(`${spawnfile} ended with ${exitCode}`);
    const text = await client.raw("GET", "/readyz").catch(() => ""); // it does not listen yet
    if (text === "ok") return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const { RestClient, loadKubeconfig } = await import("../../dist/lib/client.js");
const importedMs = performance.now();
let client;
try {
  for (const [file, ...args] of commands) children.push(spawn(file, args, { stdio: "ignore" }));
  client = new RestClient(loadKubeconfig(kubeconfig));
  await untilReady(client);
  const readyMs = performance.now();
  const residentReadyMb = residentMb();
  const sharedMs = await timed(async () => {
    for (let test = 0; test < tests; test++) await oneTest(client, `shared-${test}`);
  });
  const residentSuiteMb = residentMb();
  const creates = await createsPerSecond(client, { seconds, clients });
  const stopMs = await timed(async () => {
    client.close();
    for (const child of children.reverse()) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
  });
  console.log(
    JSON.stringify({ importedMs, readyMs, residentReadyMb, residentSuiteMb, sharedMs, creates, stopMs }),
  );
} finally {
  client?.close();
  for (const child of children) child.kill("SIGKILL");
}
