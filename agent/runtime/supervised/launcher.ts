import type { ContainerStats, Resources } from "../seam.ts";
import type { ProcessId } from "./process-birth.ts";
import type { ContainerRecord, SandboxRecord, StartedRecord } from "./records.ts";

/** What `SupervisedRuntime` leaves to the kind of container: oci or process. Stateless but for its configuration;
 *  `dir` is the container's (or sandbox') own folder. */
export interface Launcher {
  readonly kind: "oci" | "process";
  readonly description: string;
  /** Starts what holds the sandbox' namespaces, detached from us. Undefined where there is nothing to hold. */
  startPause(record: SandboxRecord, dir: string): Promise<ProcessId | undefined>;
  /** Cleans up what the sandbox had beside its pause process. */
  removeSandbox(record: SandboxRecord, dir: string): Promise<void>;
  /** Makes the container's file system and configuration. On failure nothing of it may stay mounted. */
  prepare(
    record: ContainerRecord,
    dir: string,
    sandbox: { record: SandboxRecord; dir: string },
    /** The first process of the container whose processes this one is to see. */
    seen?: ProcessId,
  ): Promise<void>;
  /** What the shim runs. */
  command(record: ContainerRecord, dir: string): readonly string[];
  /** Why it did not start, when the shim says so. */
  startFailure(dir: string): Promise<string>;
  signal(record: ContainerRecord, dir: string, started: StartedRecord, signalNumber: number): Promise<void>;
  /** Rejects where there is nothing that would hold it to them. */
  update(record: ContainerRecord, dir: string, resources: Resources): Promise<void>;
  /** True when the kernel killed it for its memory limit. */
  wasOomKilled(record: ContainerRecord): Promise<boolean>;
  /** Takes back what `prepare` and the start made. Idempotent. */
  remove(record: ContainerRecord, dir: string): Promise<void>;
  /** Takes back what `prepare` made of a container before it was known: nothing stays mounted, for what is mounted may be a
   *  volume, and the folder is deleted next. */
  abandon(dir: string): Promise<void>;
  execCommand(
    record: ContainerRecord,
    dir: string,
    options: { readonly command: readonly string[]; readonly tty: boolean },
  ): Promise<ExecPlan>;
  /** What a container writes to its own root lies there. */
  writableFolder(dir: string): string;
  stats(record: ContainerRecord, started: StartedRecord): Promise<ContainerStats>;
}

/** A program on the host that is the command inside. */
export interface ExecPlan {
  readonly argv: readonly string[];
  readonly cwd?: string;
  /** The kind of terminal that it runs on, as `terminal.pl` names it, where it is not one of its own. */
  readonly terminal?: string;
  /** Called once the program ended. */
  readonly cleanup?: () => Promise<void>;
}
