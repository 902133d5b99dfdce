import { existsSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../base/os/flags.ts";
import type { Log } from "../../base/os/log.ts";
import type { Reservation } from "../reserved.ts";
import type { CpuRules } from "./cpu-flags.ts";
import { CpuManager } from "./cpu-manager.ts";
import { readCpuTopology } from "./cpu-topology.ts";
import { takeCpus } from "./take-cpus.ts";

interface CpusConfig {
  readonly cpus: CpuRules;
  readonly rootDir: string;
  /** For the system and the cluster's own parts. */
  readonly reserved: Pick<Reservation, "cpuMillis">;
}

interface CpusInput {
  /** Containers are plain processes, which nothing keeps to CPUs. */
  readonly isProcesses: boolean;
  readonly log: Log;
  /** Called when containers that share have other CPUs from then on. */
  readonly onShared: () => void;
}

/** What gives containers CPUs of their own; undefined where all share all. Throws UsageError where the machine or what an earlier
 *  agent left does not allow what is asked for. */
export async function openCpus(config: CpusConfig, input: CpusInput): Promise<CpuManager | undefined> {
  const { cpus: rules, rootDir } = config;
  const file = join(rootDir, "cpu_manager_state");
  if (!rules.isStatic) {
    if (existsSync(file))
      throw new UsageError(
        `--cpu-manager-policy: configured policy "none" differs from state checkpoint policy "static"; drain the node and delete ${file}`,
      );
    return undefined;
  }
  if (input.isProcesses)
    throw new UsageError("--cpu-manager-policy: static needs containers, and pods are plain processes here");
  const topology = await readCpuTopology();
  const all = new Set(topology.map(({ id }) => id));
  const foreign = [...(rules.reserved ?? [])].find((id) => !all.has(id));
  if (foreign !== undefined) throw new UsageError(`--reserved-cpus: this machine has no CPU ${foreign}`);
  const reserved =
    rules.reserved ?? takeCpus(topology, all, Math.ceil(config.reserved.cpuMillis / 1000)) ?? all;
  if (reserved.size === 0)
    throw new UsageError(
      "--cpu-manager-policy: the static policy requires systemreserved.cpu + kubereserved.cpu to be greater than zero; give --reserved-cpus, or cpu in --system-reserved or --kube-reserved",
    );
  const placement = { ...rules, topology, reserved };
  return CpuManager.open(
    { file, rules: placement, keepsReservedFree: rules.keepsReservedFree },
    { log: input.log, onShared: input.onShared },
  );
}
