import { spawn } from "node:child_process";
import { once } from "node:events";
import { readlinkSync } from "node:fs";

/** Names the network that this program was started in first. */
const outerVariable = "PINTLE_CHAOS_OUTER_NETWORK";

const ownNetwork = (): string => readlinkSync("/proc/self/ns/net");

/** Whether this process has a network namespace of its own, so that nothing it does to links and rules is met by anybody else. */
export function hasPrivateNetwork(): boolean {
  const outer = process.env[outerVariable];
  return outer !== undefined && outer !== ownNetwork();
}

const privately = ["--net", "--mount"];

/** Runs this program again with a network and mounts of its own, which are gone with it however it ends, and resolves with its exit
 *  status; undefined where the machine has no such namespaces for us. */
export async function runInPrivateNetwork(): Promise<number | undefined> {
  if (process.getuid?.() !== 0 || process.env[outerVariable] !== undefined) return undefined;
  const check = spawn("unshare", [...privately, "true"], { stdio: "ignore" });
  if ((await exitOf(check)) !== 0) return undefined;
  const again = [...privately, process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const env = { ...process.env, [outerVariable]: ownNetwork() };
  const child = spawn("unshare", again, { stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => child.kill(signal));
  return await exitOf(child);
}

async function exitOf(child: ReturnType<typeof spawn>): Promise<number> {
  const failed = once(child, "error").then(() => 127);
  return await Promise.race([once(child, "exit").then(([code]) => (code as number | null) ?? 1), failed]);
}
