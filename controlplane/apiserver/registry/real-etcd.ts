import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Debian's etcd, for tests. */
export function hasEtcd(): boolean {
  return spawnSync("etcd", ["--version"]).status === 0;
}

export interface RealEtcd {
  readonly url: string;
  stop(): Promise<void>;
}

const startTimeoutMs = 15_000;

/** Starts one member with an empty data folder on free ports of 127.0.0.1. */
export async function startEtcd(): Promise<RealEtcd> {
  const folder = await mkdtemp(join(tmpdir(), "pintle-etcd-"));
  const url = `http://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  const child = spawn(
    "etcd",
    [
      `--data-dir=${folder}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      "--unsafe-no-fsync",
    ],
    { stdio: "ignore" },
  );
  const stop = async () => {
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilHealthy(url, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

async function untilHealthy(url: string, child: ChildProcess): Promise<void> {
  const giveUpMs = Date.now() + startTimeoutMs;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`etcd ended with status ${child.exitCode}`);
    const healthy = await fetch(`${url}/health`).then(
      async (answer) => (await answer.text()).includes("true"),
      () => false, // not listening yet
    );
    if (healthy) return;
    if (Date.now() > giveUpMs) throw new Error("etcd does not become healthy");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
