import { readFile, stat } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../../base/os/clock.ts";
import { kubernetesVersion } from "../../../client/version.ts";
import { readCpuTopology } from "../../cpus/cpu-topology.ts";
import type { Cgroups } from "../../runtime/oci/cgroups.ts";
import {
  type ContainerStats,
  type PodIdentity,
  type Runtime,
  type RuntimeContainer,
  RuntimeError,
  type SandboxStatus,
} from "../../runtime/seam.ts";
import type { Machine } from "../../status/machine.ts";
import { type MachineUse, readFolderUse, readMachineUse } from "../machine-use.ts";
import { type About, cadvisorText, labelsText } from "./cadvisor-text.ts";
import type { Measured } from "./families.ts";
import type { DeviceIo, DiskFigures, Figures, InterfaceFigures } from "./figures.ts";
import { readGroup } from "./group-figures.ts";
import { readInterfaces } from "./interfaces.ts";
import { kernelText } from "./kernel-file.ts";

/** The control groups of pods, where there are any: `/pintle/node-1/podUID/ID`. */
export interface MeasuredGroups {
  readonly cgroups: Cgroups;
  readonly parent: string;
}

export interface CadvisorDeps {
  readonly clock: Clock;
  readonly runtime: Pick<Runtime, "listContainers" | "listPodSandboxes" | "containerStats">;
  /** Absent: the runtime tells what it knows. */
  readonly groups: MeasuredGroups | undefined;
  readonly rootDir: string;
  readonly machine: Machine;
  readonly bootMs: number;
}

/** Answers /metrics/cadvisor: read when somebody asks, kept nowhere. */
export class Cadvisor {
  readonly #deps: CadvisorDeps;
  readonly #devices = new Map<string, string>();
  #about: Promise<Omit<About, "nowMs">> | undefined;

  constructor(deps: CadvisorDeps) {
    this.#deps = deps;
  }

  async text(): Promise<string> {
    this.#about ??= aboutOf(this.#deps.machine);
    const about = await this.#about;
    const all = [await this.#ofMachine(), ...this.#ofAllPods(), ...(await this.#ofPods())];
    return cadvisorText(all, { ...about, nowMs: this.#deps.clock.wallMs() });
  }

  async #ofMachine(): Promise<Measured> {
    const { rootDir, bootMs } = this.#deps;
    const [use, disk] = [await readMachineUse(), await readFolderUse(rootDir)];
    const { dev } = await stat(rootDir);
    const device = this.#deviceName(`${Math.floor(dev / 256) % 4096}:${dev % 256}`);
    const { capacityBytes: limitBytes, usedBytes: usageBytes, inodes, inodesFree } = disk;
    const interfaces = readInterfaces(kernelText("/proc/self/net/dev") ?? "");
    const disks: readonly DiskFigures[] = [{ device, limitBytes, usageBytes, inodes, inodesFree }];
    return {
      labels: labelsOf({ id: "/" }),
      startedAtMs: bootMs,
      figures: { ...machineFigures(use), disks },
      interfaces,
    };
  }

  *#ofAllPods(): Generator<Measured> {
    const { groups } = this.#deps;
    const figures = groups && readGroup(groups.cgroups, groups.parent);
    if (groups !== undefined && figures !== undefined)
      yield { labels: labelsOf({ id: groups.parent }), figures: this.#named(figures) };
  }

  async #ofPods(): Promise<readonly Measured[]> {
    const { runtime } = this.#deps;
    const containers = new Map<string, RuntimeContainer[]>();
    for (const container of runtime.listContainers()) {
      if (container.state.phase !== "running") continue;
      const known = containers.get(container.sandboxId);
      if (known === undefined) containers.set(container.sandboxId, [container]);
      else known.push(container);
    }
    const all: Measured[] = [];
    for (const sandbox of runtime.listPodSandboxes()) {
      if (sandbox.state !== "ready") continue;
      await nextTurn(); // others have their turn between two pods
      const pod = this.#ofPod(sandbox);
      if (pod !== undefined) all.push(pod);
      for (const container of containers.get(sandbox.id) ?? []) {
        const figures = await this.#ofContainer(container);
        if (figures === undefined) continue;
        const { id, name, image, pod, state } = container;
        const labels = labelsOf({ id: this.#path(pod, id), name: id, container: name, image, pod });
        const startedAtMs = state.phase === "running" ? state.startedAtMs : undefined;
        all.push({ labels, figures: this.#named(figures), startedAtMs });
      }
    }
    return all;
  }

  #ofPod({ pod, createdAtMs, networkProcess }: SandboxStatus): Measured | undefined {
    const { groups } = this.#deps;
    const figures = groups && readGroup(groups.cgroups, this.#path(pod));
    const net = networkProcess === undefined ? undefined : kernelText(`/proc/${networkProcess}/net/dev`);
    if (figures === undefined && net === undefined) return undefined;
    const interfaces: readonly InterfaceFigures[] = net === undefined ? [] : readInterfaces(net);
    return {
      labels: labelsOf({ id: this.#path(pod), pod }),
      figures: figures === undefined ? {} : this.#named(figures),
      interfaces,
      startedAtMs: createdAtMs,
    };
  }

  async #ofContainer({ id, pod }: RuntimeContainer): Promise<Figures | undefined> {
    const { groups, runtime } = this.#deps;
    if (groups !== undefined) return readGroup(groups.cgroups, this.#path(pod, id));
    try {
      return toldFigures(await runtime.containerStats(id));
    } catch (error) {
      if (error instanceof RuntimeError) return undefined; // it ended meanwhile
      throw error;
    }
  }

  #path({ uid }: PodIdentity, id?: string): string {
    const parent = this.#deps.groups?.parent ?? "";
    return `${parent}/pod${uid}${id === undefined ? "" : `/${id}`}`;
  }

  #named(figures: Figures): Figures {
    const { io } = figures;
    if (io === undefined) return figures;
    const named = io.map((one): DeviceIo => ({ ...one, device: this.#deviceName(one.device) }));
    return { ...figures, io: named };
  }

  /** `/dev/sda` of `8:0`; the number itself where the kernel has no name for it. */
  #deviceName(number: string): string {
    const known = this.#devices.get(number);
    if (known !== undefined) return known;
    const name = /^DEVNAME=([\w!/.-]+)$/m.exec(kernelText(`/sys/dev/block/${number}/uevent`) ?? "")?.[1];
    const told = name === undefined ? number : `/dev/${name}`;
    this.#devices.set(number, told);
    return told;
  }
}

function labelsOf(of: {
  readonly id: string;
  readonly container?: string;
  readonly image?: string;
  readonly name?: string;
  readonly pod?: PodIdentity;
}): string {
  const { container = "", id, image = "", name = "", pod } = of;
  return labelsText({
    container,
    id,
    image,
    name,
    namespace: pod?.namespace ?? "",
    pod: pod?.name ?? "",
  });
}

function machineFigures(use: MachineUse): Figures {
  return {
    cpu: { usageSeconds: use.cpuNanos / 1e9 },
    memory: {
      usageBytes: use.workingSetBytes,
      workingSetBytes: use.workingSetBytes,
      rssBytes: use.rssBytes,
      pageFaults: use.pageFaults,
      majorPageFaults: use.majorPageFaults,
    },
  };
}

/** What a runtime without control groups of ours tells. */
function toldFigures({ cpuNanos, memoryBytes, processes, ...rest }: ContainerStats): Figures {
  const { workingSetBytes, rssBytes, pageFaults, majorPageFaults } = rest;
  return {
    cpu: { usageSeconds: cpuNanos / 1e9 },
    memory: { usageBytes: memoryBytes, workingSetBytes, rssBytes, pageFaults, majorPageFaults },
    processes,
  };
}

async function aboutOf(machine: Machine): Promise<Omit<About, "nowMs">> {
  const topology = await readCpuTopology();
  const swap = /^SwapTotal:\s+(\d+)/m.exec(await readFile("/proc/meminfo", "utf8"))?.[1] ?? "0";
  return {
    kernel: machine.kernel,
    osImage: machine.osImage,
    version: kubernetesVersion.gitVersion,
    machineId: machine.machineId,
    bootId: machine.bootId,
    cpus: {
      cores: topology.length,
      physicalCores: new Set(topology.map(({ socket, core }) => `${socket} ${core}`)).size,
      sockets: new Set(topology.map(({ socket }) => socket)).size,
    },
    memoryBytes: machine.memoryBytes,
    swapBytes: Number(swap) * 1024,
  };
}
