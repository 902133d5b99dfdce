import type { ContainerState, RuntimeContainer, SandboxConfig } from "../seam.ts";
import { keptContainer, keptKeys, keptSandbox } from "./kept.ts";
import type { ContainerStatusMessage, PodSandbox, TextEntry } from "./messages.ts";

/** What the runtime answers is somebody else's word: what is no answer is passed over, and what is kept of it is bounded. */
export const answerLimits = { messageCharsMost: 4096, logPathCharsMost: 4096, itemsMost: 20_000 } as const;

export interface ListedSandbox {
  readonly id: string;
  readonly config: SandboxConfig;
  readonly isReady: boolean;
  readonly createdAtMs: number;
}

/** An id is used in paths of ours and in requests. */
export const isId = (text: string): boolean => /^[A-Za-z0-9][\w.-]{0,127}$/.test(text);

/** A sandbox of this node; undefined for anything else. Pure. */
export function listedSandbox(item: PodSandbox, nodeName: string): ListedSandbox | undefined {
  if (!isId(item.id) || textOf(item.labels, keptKeys.nodeLabel) !== nodeName) return undefined;
  const config = keptSandbox(textOf(item.annotations, keptKeys.sandbox));
  if (config === undefined) return undefined;
  return { id: item.id, config, isReady: item.state === "SANDBOX_READY", createdAtMs: msOf(item.createdAt) };
}

/** Pure. */
export function containerOf(
  status: ContainerStatusMessage,
  sandboxId: string,
  sandbox: SandboxConfig,
): RuntimeContainer | undefined {
  const kept = keptContainer(textOf(status.annotations, keptKeys.container));
  const { metadata, id, logPath } = status;
  if (kept === undefined || metadata === undefined || !isId(id)) return undefined;
  if (!logPath.startsWith("/") || logPath.length > answerLimits.logPathCharsMost) return undefined;
  const { image, imageId, annotations } = kept;
  return {
    id,
    sandboxId,
    pod: sandbox.pod,
    name: metadata.name,
    attempt: metadata.attempt,
    image,
    imageId,
    logPath,
    annotations,
    createdAtMs: msOf(status.createdAt),
    state: stateOf(status),
  };
}

function stateOf(status: ContainerStatusMessage): ContainerState {
  const { state, exitCode, reason } = status;
  const startedAtMs = msOf(status.startedAt);
  if (state === "CONTAINER_CREATED") return { phase: "created" };
  if (state === "CONTAINER_RUNNING") return { phase: "running", startedAtMs };
  const finishedAtMs = msOf(status.finishedAt) || startedAtMs || msOf(status.createdAt);
  const message = status.message.slice(0, answerLimits.messageCharsMost);
  const base = {
    phase: "exited",
    startedAtMs: startedAtMs || finishedAtMs,
    finishedAtMs,
    signal: 0,
  } as const;
  // What the runtime itself has lost.
  if (state !== "CONTAINER_EXITED")
    return { ...base, exitCode: 137, reason: "ContainerStatusUnknown", message };
  const isCode = Number.isInteger(exitCode) && Math.abs(exitCode) < 2 ** 31;
  const code = isCode ? exitCode : 137;
  const known = /^[A-Za-z]\w{0,63}$/.test(reason) ? reason : code === 0 ? "Completed" : "Error";
  return { ...base, exitCode: code, reason: known, message };
}

/** The last of a key counts. */
export function textOf(texts: readonly TextEntry[], key: string): string | undefined {
  return texts.findLast((one) => one.key === key)?.value;
}

const nanosPerMs = 1_000_000n;

/** Nanoseconds since 1970; 0 for what is none. */
export const msOf = (nanos: bigint): number => (nanos > 0n ? Number(nanos / nanosPerMs) : 0);
