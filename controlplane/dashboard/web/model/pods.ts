import type { Tone } from "../../../../client/rules/tone.ts";
import type { KubeObject } from "../api/object-feed.ts";

/** A container of a pod, as people look at it. */
export interface ContainerLine {
  readonly name: string;
  readonly image: string;
  readonly part: "init" | "main" | "debug";
  readonly state: string;
  readonly tone: Tone;
  readonly restarts: number;
  /** What it ended with before, or why it waits. */
  readonly note: string;
}

interface StateOf {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: object;
  readonly terminated?: { readonly reason?: string; readonly exitCode?: number; readonly message?: string };
}
interface StatusOf {
  readonly name: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly state?: StateOf;
  readonly lastState?: StateOf;
}
interface ContainerOf {
  readonly name: string;
  readonly image?: string;
}

const parts = [
  ["init", "initContainers", "initContainerStatuses"],
  ["main", "containers", "containerStatuses"],
  ["debug", "ephemeralContainers", "ephemeralContainerStatuses"],
] as const;

/** The containers of a pod. Pure. */
export function containersOf({ spec, status }: KubeObject): readonly ContainerLine[] {
  return parts.flatMap(([part, field, statusField]) => {
    const statuses = new Map(
      ((status?.[statusField] ?? []) as readonly StatusOf[]).map((one) => [one.name, one]),
    );
    return ((spec?.[field] ?? []) as readonly ContainerOf[]).map(({ name, image = "" }) =>
      lineOf({ name, image, part }, statuses.get(name)),
    );
  });
}

function lineOf(
  of: Pick<ContainerLine, "name" | "image" | "part">,
  status: StatusOf | undefined,
): ContainerLine {
  const { waiting, running, terminated } = status?.state ?? {};
  const restarts = status?.restartCount ?? 0;
  const before = status?.lastState?.terminated;
  const note = waiting?.message ?? endText(terminated) ?? (before ? `before: ${endText(before)}` : "");
  if (running)
    return {
      ...of,
      restarts,
      note,
      ...(status?.ready || of.part !== "main"
        ? { state: "Running", tone: "good" as const }
        : { state: "Running, not ready", tone: "busy" as const }),
    };
  if (terminated) {
    const isGood = terminated.exitCode === 0;
    return { ...of, restarts, note, state: terminated.reason ?? "Ended", tone: isGood ? "quiet" : "bad" };
  }
  const state = waiting?.reason ?? "Waiting";
  return { ...of, restarts, note, state, tone: /err|backoff|invalid/i.test(state) ? "bad" : "busy" };
}

function endText(terminated: StateOf["terminated"]): string | undefined {
  if (terminated === undefined) return undefined;
  return [terminated.reason, `exit code ${terminated.exitCode ?? "unknown"}`, terminated.message]
    .filter(Boolean)
    .join(", ");
}
