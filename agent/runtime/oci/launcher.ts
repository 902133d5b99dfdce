import { readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { makeFolder } from "../../../base/os/make-folder.ts";
import { hostImage } from "../../images/host-image.ts";
import { type ContainerStats, RuntimeError } from "../seam.ts";
import type { ExecPlan, Launcher } from "../supervised/launcher.ts";
import { type ContainerRecord, readOptional, type SandboxRecord } from "../supervised/records.ts";
import { mustRun, runCommand } from "../supervised/run-command.ts";
import { appArmorProfileOf, appArmorProfilesFile } from "./apparmor.ts";
import { type EditableSpec, injectCdi } from "./cdi.ts";
import { type Cgroups, cgroupStats, groupFolder, oomKills, removeGroup } from "./cgroups.ts";
import { coversOf } from "./covers.ts";
import type { HostLimits } from "./host-limits.ts";
import { hostsFile } from "./hosts-file.ts";
import { showMapped } from "./mapped-users.ts";
import { startPause } from "./pause.ts";
import { type RootFilesystems, upperFolder } from "./root-filesystem.ts";
import { seccompOf } from "./seccomp-profile.ts";
import { capabilitiesOf, ociSpec, processOf, updatedResources } from "./spec.ts";

export interface OciConfig {
  /** crun or runc, absolute. */
  readonly program: string;
  /** Words before the program's: see `hybridWrapper`. */
  readonly wrapper: readonly string[];
  /** Such as `crun-1.8.1`. */
  readonly version: string;
  readonly rootDir: string;
  /** Below the root of every cgroup hierarchy, such as `/pintle/node-1`. */
  readonly cgroupParent: string;
  readonly cgroups: Cgroups;
  readonly host: HostLimits;
  /** Whether containers can be given a filter of system calls. */
  readonly seccomp: boolean;
  /** Whether a mount can be read-only with all that is mounted in it. */
  readonly recursiveReadOnly: boolean;
  /** Whether pods can have users of their own. */
  readonly userNamespaces: boolean;
  /** Folders of the host that its own image does not show. */
  readonly hidden?: readonly string[];
}

/** Real containers by an OCI runtime. */
export function ociLauncher(config: OciConfig, deps: { readonly filesystems: RootFilesystems }): Launcher {
  const runtime = (dir: string, ...words: string[]) => [
    ...config.wrapper,
    config.program,
    "--root",
    join(config.rootDir, "oci"),
    "--log",
    join(dir, "oci.log"),
    ...words,
  ];
  const cgroupOf = (record: ContainerRecord) =>
    `${config.cgroupParent}/pod${record.config.annotations.podUid ?? "none"}/${record.id}`;
  return {
    kind: "oci",
    description: `oci://${config.version}`,
    startPause: (record, dir) => startPause(record.config, dir),
    removeSandbox: ({ config: { pod } }) =>
      removeGroup(config.cgroups, `${config.cgroupParent}/pod${pod.uid}`),
    async prepare(record, dir, sandbox, seen) {
      const { pause, config: pod } = sandbox.record;
      if (pause === undefined) throw new RuntimeError("the sandbox has no pause process");
      if (record.config.command.length === 0) throw new RuntimeError("no command specified");
      const { security } = record.config;
      const seccomp = await seccompOf(security.seccomp, capabilitiesOf(record.config, config.host), {
        profilesDir: join(config.rootDir, "seccomp"),
        isSupported: config.seccomp,
      });
      const appArmor = appArmorProfileOf(security.appArmor, await readOptional(appArmorProfilesFile));
      const { hostNetwork, hostPid, hostIpc, sharedPid, hostname, users } = pod;
      const mapped = users && { ...users, pid: pause.pid };
      const rootfs = await deps.filesystems.mount(record.config.imageId, dir, mapped);
      const files = ["hostname", "hosts", "resolv.conf"].map((name) => ({
        hostPath: join(sandbox.dir, name),
        containerPath: `/etc/${name}`,
        readOnly: false,
      }));
      const asked = new Set(record.config.mounts.map(({ containerPath }) => containerPath));
      await writeSandboxFiles(sandbox.record, sandbox.dir);
      const wanted = [...files.filter((one) => !asked.has(one.containerPath)), ...record.config.mounts];
      const covers = record.config.imageId === hostImage.id ? coversOf(config.hidden ?? []) : [];
      const sources = [
        ...wanted.map(({ hostPath }) => hostPath),
        ...covers.flatMap(({ shows }) => shows ?? []),
      ];
      const shown =
        mapped === undefined
          ? sources
          : await showMapped(sources, join(dir, "mounts"), { pid: pause.pid, reach: "all" });
      const at = (path: string) => shown[sources.indexOf(path)] ?? path;
      const mounts = wanted.map((mount) => ({ ...mount, hostPath: at(mount.hostPath) }));
      const spec = ociSpec(
        { ...record.config, mounts },
        {
          rootfs,
          cgroupsPath: cgroupOf(record),
          pausePid: pause.pid,
          ...(seen !== undefined && { seenPid: seen.pid }),
          hostNetwork,
          hostPid,
          hostIpc,
          sharedPid,
          ...(users !== undefined && { users }),
          hostname,
          host: config.host,
          hugePageSizes: config.cgroups.hugePageSizes ?? [],
          ...(seccomp !== undefined && { seccomp }),
          ...(appArmor !== undefined && { appArmor }),
          covers: covers.map((one) => (one.shows === undefined ? one : { ...one, shows: at(one.shows) })),
        },
      );
      await injectCdi(spec as EditableSpec, record.config.cdiDevices ?? []);
      // No end of a pid namespace ends all that is in the container: its shim does.
      if (hostPid || sharedPid || seen !== undefined)
        await writeFile(join(dir, "group"), groupFolder(config.cgroups, cgroupOf(record)));
      await writeFile(join(dir, "config.json"), JSON.stringify(spec), { mode: 0o600 });
    },
    command: (record, dir) =>
      runtime(dir, "run", "--detach", "--bundle", dir, "--pid-file", join(dir, "pid"), record.id),
    startFailure: async (dir) => {
      const said = lastError((await readOptional(join(dir, "oci.log"))) ?? "") || "it does not say why";
      return `${basename(config.program)} cannot start the container: ${said}`;
    },
    async signal(record, dir, _started, number) {
      const { code, stderr } = await runCommand(runtime(dir, "kill", record.id, String(number)));
      if (
        code !== 0 &&
        !/not running|does not exist|No such process|process not found/i.test(
          stderr + ((await readOptional(join(dir, "oci.log"))) ?? ""),
        )
      )
        throw new RuntimeError(`cannot send signal ${number} to the container: ${stderr.trim()}`);
    },
    async update(record, dir, resources) {
      const file = join(dir, `update-${crypto.randomUUID()}.json`);
      await writeFile(file, JSON.stringify(updatedResources(resources)), { mode: 0o600 });
      try {
        await mustRun(runtime(dir, "update", "--resources", file, record.id));
      } finally {
        await rm(file, { force: true });
      }
    },
    wasOomKilled: async (record) => (await oomKills(config.cgroups, cgroupOf(record))) > 0,
    async remove(record, dir) {
      await runCommand(runtime(dir, "delete", "--force", record.id));
      await deps.filesystems.unmount(dir);
    },
    abandon: (dir) => deps.filesystems.unmount(dir),
    execCommand: (record, dir, { command, tty }) =>
      // runc hands terminals over only to those who do not wait for the end.
      execPlan(record, dir, { command, tty, handsOver: !config.version.startsWith("runc"), runtime }),
    writableFolder: upperFolder,
    stats: (record): Promise<ContainerStats> => cgroupStats(config.cgroups, cgroupOf(record)),
  };
}

async function execPlan(
  record: ContainerRecord,
  dir: string,
  options: {
    readonly command: readonly string[];
    readonly tty: boolean;
    /** Whether the runtime gives the terminal that it makes to others, and waits for the end of the command all the same. */
    readonly handsOver: boolean;
    readonly runtime: (dir: string, ...words: string[]) => string[];
  },
): Promise<ExecPlan> {
  const { runtime, command, tty, handsOver } = options;
  const process = { ...processOf({ ...record.config, tty }), args: command, terminal: tty };
  const text = JSON.parse(await readFile(join(dir, "config.json"), "utf8"));
  const name = `exec-${crypto.randomUUID()}`;
  const file = join(dir, `${name}.json`);
  const merged = {
    ...process,
    // What devices add is there, too.
    env: [...new Set([...text.process.env, ...process.env])],
    user: text.process.user,
    capabilities: text.process.capabilities,
    noNewPrivileges: text.process.noNewPrivileges,
    apparmorProfile: text.process.apparmorProfile,
    ...(tty && { consoleSize: { width: 80, height: 24 } }), // until the client tells its own
  };
  await writeFile(file, JSON.stringify(merged), { mode: 0o600 });
  const words = ["--process", file, record.id];
  const cleanup = () => rm(file, { force: true });
  if (!tty) return { argv: runtime(dir, "exec", ...words), cleanup };
  if (!handsOver) return { argv: runtime(dir, "exec", "--tty", ...words), terminal: "raw", cleanup };
  const socket = `${name}.tty`;
  const argv = runtime(dir, "exec", "--tty", "--console-socket", socket, ...words);
  return { argv, cwd: dir, terminal: `handed=${socket}`, cleanup };
}

/** /etc/hostname, /etc/hosts and /etc/resolv.conf, shared by the pod's containers. */
async function writeSandboxFiles({ config, address }: SandboxRecord, dir: string): Promise<void> {
  await makeFolder(dir);
  const nodeHosts = config.hostNetwork ? ((await readOptional("/etc/hosts")) ?? "") : "";
  const { servers, searches, options } = config.dns;
  const resolv = servers.map((server) => `nameserver ${server}`);
  if (searches.length > 0) resolv.push(`search ${searches.join(" ")}`);
  if (options.length > 0) resolv.push(`options ${options.join(" ")}`);
  const shared = { mode: 0o644 };
  await writeFile(join(dir, "hostname"), `${config.hostname}\n`, shared);
  const podIps = [address?.podIp ?? [], address?.secondIp ?? []].flat();
  await writeFile(join(dir, "hosts"), hostsFile(config, podIps, nodeHosts), shared);
  await writeFile(join(dir, "resolv.conf"), resolv.map((line) => `${line}\n`).join(""), shared);
}

/** The runtimes' logs differ; the last line is what went wrong. */
function lastError(log: string): string {
  const line = log.trim().split("\n").at(-1) ?? "";
  const message = /"msg":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? /msg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
  return (message ?? line.replace(/^\S+: /, "")).replaceAll('\\"', '"').trim();
}

export async function versionOf(program: string): Promise<string> {
  const text = await mustRun([program, "--version"]);
  return /^(\w+) version (\S+)/m.exec(text)?.slice(1, 3).join("-") ?? "unknown";
}
