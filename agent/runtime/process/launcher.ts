import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { makeFolder } from "../../../base/os/make-folder.ts";
import { type ContainerStats, RuntimeError } from "../seam.ts";
import { accountOf } from "../supervised/account.ts";
import type { ExecPlan, Launcher } from "../supervised/launcher.ts";
import { isAlive, signalProcess } from "../supervised/process-birth.ts";
import type { ContainerRecord, StartedRecord } from "../supervised/records.ts";
import { shimFile } from "../supervised/start-shim.ts";
import { treeUse } from "./process-tree.ts";

const clockTickMs = 10; // USER_HZ is 100 on every architecture that Node runs on
const pageBytes = 4096;

/** Plain processes on the host, each in its own session. Nothing is isolated: no image, no limits, no mounts. A volume
 *  mounted at /a/b stands at $PINTLE_ROOT/a/b, and relative paths work: the working directory is there by default. */
export function processLauncher(): Launcher {
  return {
    kind: "process",
    description: `process://node-${process.versions.node}`,
    startPause: async () => undefined,
    removeSandbox: async () => undefined,
    prepare: (record, dir, sandbox) => prepare(record, dir, sandbox.record.address?.podIp ?? ""),
    command: (record) => ["/usr/bin/env", "--", ...record.config.command],
    startFailure: async (dir) => (await readFile(join(dir, "shim.log"), "utf8")).trim() || "cannot start",
    signal: async (_record, _dir, started, number) => {
      if (number === constants.signals.SIGKILL) signalProcess(started.process, number, true);
      // Also by itself: one that was only just started leads no group yet.
      signalProcess(started.process, number);
    },
    update: async () => {
      throw new RuntimeError("a plain process has no control group to resize");
    },
    wasOomKilled: async () => false,
    remove: async () => undefined,
    abandon: async () => undefined,
    execCommand,
    writableFolder: rootFolder,
    stats,
  };
}

const rootFolder = (dir: string): string => join(dir, "root");

async function prepare(record: ContainerRecord, dir: string, podIp: string): Promise<void> {
  const { config } = record;
  if (config.command.length === 0) throw new RuntimeError("no command specified");
  if (config.cdiDevices?.length)
    throw new RuntimeError(`CDI devices need containers: ${config.cdiDevices.join(", ")}`);
  const root = rootFolder(dir);
  await mkdir(root, { mode: 0o755 });
  for (const mount of [...config.mounts, ...(config.devices ?? [])]) {
    const at = join(root, mount.containerPath);
    if (!at.startsWith(`${root}/`))
      throw new RuntimeError(`mount path ${mount.containerPath} leaves the container`);
    await makeFolder(dirname(at));
    await symlink(mount.hostPath, at);
  }
  const env = new Map<string, string>([
    ["PATH", process.env.PATH ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    ["PINTLE_ROOT", root],
    ["PINTLE_POD_IP", podIp],
    ...config.env.map(([name, value]) => [name, value] as const),
  ]);
  await writeFile(join(dir, "environ"), [...env].map(([name, value]) => `${name}=${value}\0`).join(""), {
    mode: 0o600,
  });
  // The root of an image means nothing here; a directory that the pod asks for by name does.
  await writeFile(
    join(dir, "cwd"),
    config.workingDir === "/" || config.workingDir === "" ? root : config.workingDir,
  );
  const { uid, gid } = accountOf(config);
  if (process.getuid?.() === 0 && (uid !== 0 || gid !== 0))
    await writeFile(join(dir, "ids"), `${uid}:${gid}`);
}

async function execCommand(
  _record: ContainerRecord,
  dir: string,
  options: { readonly command: readonly string[] },
): Promise<ExecPlan> {
  const program = shimFile("beside.pl");
  if (program === undefined) throw new RuntimeError("agent/runtime/shim/beside.pl is missing");
  return { argv: ["perl", program, dir, "/usr/bin/env", "--", ...options.command] };
}

async function stats(_record: ContainerRecord, { process: first }: StartedRecord): Promise<ContainerStats> {
  const { ticks, pages, processes } = isAlive(first)
    ? await treeUse(first.pid)
    : { ticks: 0, pages: 0, processes: 0 };
  const memoryBytes = pages * pageBytes;
  const all = { memoryBytes, workingSetBytes: memoryBytes, rssBytes: memoryBytes };
  return { cpuNanos: ticks * clockTickMs * 1e6, ...all, processes };
}
