import { join } from "node:path";
import type { ContainerState, Resources, RuntimeContainer } from "../seam.ts";
import type { Launcher } from "./launcher.ts";
import { isAlive, signalProcess } from "./process-birth.ts";
import {
  type ContainerRecord,
  parseExit,
  parseStarted,
  readOptional,
  type StartedRecord,
} from "./records.ts";

/** A container as its folder tells it. */
export interface Supervised {
  readonly record: ContainerRecord;
  readonly state: ContainerState;
  /** Present once it has started. */
  readonly started?: StartedRecord;
}

/** Reads a container's state from its folder. What had started but neither runs nor left word of its end (its shim was
 *  killed, the machine rebooted) counts as exited with 137 and reason ContainerStatusUnknown. */
export async function takeIn(
  record: ContainerRecord,
  dir: string,
  boot: string,
  launcher: Launcher,
): Promise<Supervised> {
  const failed = await readOptional(join(dir, "failed.json"));
  if (failed !== undefined) return { record, state: JSON.parse(failed) as ContainerState };
  const startedText = await readOptional(join(dir, "started"));
  const exitText = await readOptional(join(dir, "exit"));
  if (startedText === undefined) return { record, state: { phase: "created" } };
  const started = parseStarted(startedText);
  const { startedAtMs } = started;
  if (exitText === undefined) {
    const sameBoot = record.bootId === boot;
    if (sameBoot && isAlive(started.shim))
      return { record, started, state: { phase: "running", startedAtMs } };
    if (sameBoot) signalProcess(started.process, "SIGKILL");
    const late = await readOptional(join(dir, "exit")); // written between our two looks
    if (late === undefined) return { record, started, state: unknownEnd(startedAtMs) };
    return { record, started, state: await endOf(late, record, startedAtMs, launcher) };
  }
  return { record, started, state: await endOf(exitText, record, startedAtMs, launcher) };
}

async function endOf(
  text: string,
  record: ContainerRecord,
  startedAtMs: number,
  launcher: Launcher,
): Promise<ContainerState> {
  const { exitCode, signal, finishedAtMs } = parseExit(text);
  const oom = exitCode !== 0 && (await launcher.wasOomKilled(record));
  const reason = oom ? "OOMKilled" : exitCode === 0 ? "Completed" : "Error";
  return { phase: "exited", startedAtMs, finishedAtMs, exitCode, signal, reason, message: "" };
}

function unknownEnd(startedAtMs: number): ContainerState {
  const message = "The container could not be located when the agent looked for it";
  return {
    phase: "exited",
    startedAtMs,
    finishedAtMs: startedAtMs,
    exitCode: 137,
    signal: 0,
    reason: "ContainerStatusUnknown",
    message,
  };
}

export function describe({ record, state }: Supervised): RuntimeContainer {
  const { id, sandboxId, createdAtMs, config } = record;
  const { name, attempt, image, imageId, logPath, annotations } = config;
  const pod = {
    namespace: annotations.podNamespace ?? "",
    name: annotations.podName ?? "",
    uid: annotations.podUid ?? "",
  };
  return { id, sandboxId, pod, name, attempt, image, imageId, logPath, annotations, createdAtMs, state };
}

/** The record of a container that was given other resources. */
export function withResources(
  record: ContainerRecord,
  resources: Resources,
  annotations: Readonly<Record<string, string>>,
): ContainerRecord {
  const { config } = record;
  return {
    ...record,
    config: { ...config, resources, annotations: { ...config.annotations, ...annotations } },
  };
}
