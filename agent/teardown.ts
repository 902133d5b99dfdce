import { access, readFile, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { Os } from "../base/os/os.ts";
import type { PodNetwork } from "./network-seam.ts";
import { chooseRuntime } from "./runtime/choose.ts";
import { findCgroups } from "./runtime/oci/cgroups.ts";
import { ociLauncher } from "./runtime/oci/launcher.ts";
import { type LayerSource, overlayFilesystems } from "./runtime/oci/root-filesystem.ts";
import { processLauncher } from "./runtime/process/launcher.ts";
import { isAlive } from "./runtime/supervised/process-birth.ts";
import {
  type ContainerRecord,
  parseStarted,
  readOptional,
  readRecords,
  type SandboxRecord,
} from "./runtime/supervised/records.ts";
import { mustRun } from "./runtime/supervised/run-command.ts";
import { SupervisedRuntime } from "./runtime/supervised/runtime.ts";

export interface TeardownOptions {
  readonly rootDir: string;
  readonly nodeName: string;
  readonly runtime: "oci" | "process";
}

/** Ends everything a node runs, when the whole node goes: containers, sandboxes, their mounts and cgroups. The node's agent
 *  must not be running. Pods' network goes with the node's network namespace. Images and logs stay, and the records of how
 *  each container ended: the node's next agent goes on from them, as after a reboot. */
export async function tearDownNode(options: TeardownOptions, os: Os): Promise<void> {
  const { rootDir } = options;
  if (!(await exists(rootDir))) return;
  const chosen = await chooseRuntime({ ...options, ociRuntime: undefined });
  const launcher =
    chosen.kind === "oci"
      ? ociLauncher(chosen.config, { filesystems: overlayFilesystems(nothingStarts) })
      : processLauncher();
  const runtime = await SupervisedRuntime.open({ rootDir }, { launcher, network: noNetwork, os });
  try {
    await runtime.shutDown();
  } finally {
    await runtime.close();
  }
  await unmountBelow(rootDir);
  if (chosen.kind === "oci") await removeCgroups(options.nodeName);
}

/** What still runs of a node's pods, in words. */
export async function processesOfNode(rootDir: string): Promise<readonly string[]> {
  const found: string[] = [];
  if (!(await exists(rootDir))) return found;
  const containers = join(rootDir, "containers");
  for (const { id, config } of (await readRecords<ContainerRecord>(containers, "container.json")).records) {
    const text = await readOptional(join(containers, id, "started"));
    if (text === undefined) continue;
    const { process, shim } = parseStarted(text);
    const pod = `${config.annotations.podNamespace}/${config.annotations.podName}`;
    if (isAlive(process)) found.push(`container ${config.name} of pod ${pod} (process ${process.pid})`);
    else if (isAlive(shim))
      found.push(`the shim of container ${config.name} of pod ${pod} (process ${shim.pid})`);
  }
  for (const { config, pause } of (
    await readRecords<SandboxRecord>(join(rootDir, "sandboxes"), "sandbox.json")
  ).records)
    if (pause !== undefined && isAlive(pause))
      found.push(`the sandbox of pod ${config.pod.namespace}/${config.pod.name} (process ${pause.pid})`);
  return found;
}

const nothingStarts: LayerSource = {
  lowerDirs: () => Promise.reject(new Error("the node is going down")),
};

const noNetwork: PodNetwork = {
  attach: () => Promise.reject(new Error("the node is going down")),
  detach: async () => undefined,
  restore: async () => [],
};

/** Unmounts all that is mounted in a folder. */
export async function unmountBelow(rootDir: string): Promise<void> {
  const text = await readFile("/proc/self/mountinfo", "utf8");
  const points = text.split("\n").map((line) => (line.split(" ")[4] ?? "").replaceAll("\\040", " "));
  for (const point of points.filter((path) => path.startsWith(`${rootDir}/`)).reverse())
    await mustRun(["umount", "-l", point]);
}

/** Empty by now; a folder that is not (or never was) stays. */
async function removeCgroups(nodeName: string): Promise<void> {
  const cgroups = await findCgroups();
  if (cgroups === undefined) return;
  const text = await readFile("/proc/self/mountinfo", "utf8");
  for (const line of text.split("\n")) {
    const [point = ""] = line.split(" ").slice(4);
    if (!/ - cgroup2? /.test(line)) continue;
    for (const folder of [join(point, "pintle", nodeName), join(point, "pintle")]) {
      try {
        await rmdir(folder);
      } catch (error) {
        const code = error instanceof Error && "code" in error ? error.code : "";
        if (code !== "ENOENT" && code !== "ENOTEMPTY" && code !== "EBUSY") throw error;
      }
    }
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
