import type { ContainerStatus, Pod } from "../../client/types.ts";
import type { ContainerState, RuntimeContainer } from "../runtime/seam.ts";
import { latest, type Observed } from "./observed.ts";
import { logFolder } from "./pod-context.ts";

/** Containers that the pod's status tells of but the runtime has no more (its folder was lost): they ended, and count as
 *  the runtime's own would. So a pod that is never to restart does not run twice, and restart counts go on. */
export function recalledContainers(
  pod: Pod,
  observed: Observed,
  context: { readonly logsDir: string; readonly nowMs: number },
): readonly RuntimeContainer[] {
  const {
    containerStatuses = [],
    initContainerStatuses = [],
    ephemeralContainerStatuses = [],
  } = pod.status ?? {};
  return [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].flatMap((status) => {
    const id = idOf(status.containerID);
    const known = latest(observed, status.name);
    const state = endOf(status, context.nowMs);
    if (id === "" || state === undefined || (known !== undefined && known.attempt >= status.restartCount))
      return [];
    const { namespace = "", name, uid } = pod.metadata;
    return {
      id,
      sandboxId: "",
      pod: { namespace, name, uid },
      name: status.name,
      attempt: status.restartCount,
      image: status.image,
      imageId: status.imageID,
      logPath: `${logFolder(context.logsDir, pod, status.name)}/${status.restartCount}.log`,
      annotations: {},
      createdAtMs: state.startedAtMs,
      state,
    };
  });
}

type Ended = ContainerState & { phase: "exited" };

/** How the container that the status names ended; undefined when it never started. */
function endOf({ containerID, state, lastState }: ContainerStatus, nowMs: number): Ended | undefined {
  const waits = state?.waiting !== undefined && lastState?.terminated?.containerID === containerID;
  const ended = state?.terminated ?? (waits ? lastState?.terminated : undefined);
  if (ended !== undefined)
    return {
      phase: "exited",
      startedAtMs: timeOf(ended.startedAt, nowMs),
      finishedAtMs: timeOf(ended.finishedAt, nowMs),
      exitCode: ended.exitCode,
      signal: ended.signal ?? 0,
      reason: ended.reason ?? "",
      message: ended.message ?? "",
    };
  if (state?.running === undefined) return undefined;
  return {
    phase: "exited",
    startedAtMs: timeOf(state.running.startedAt, nowMs),
    finishedAtMs: nowMs,
    exitCode: 137,
    signal: 0,
    reason: "ContainerStatusUnknown",
    message:
      "The container could not be located when the pod was looked for. The container used to be Running",
  };
}

/** `oci://ID` -> `ID`. */
const idOf = (containerId: string | undefined): string => containerId?.replace(/^[\w.+-]+:\/\//, "") ?? "";

function timeOf(text: string | Date | undefined, otherwiseMs: number): number {
  const ms = Date.parse(String(text ?? ""));
  return Number.isNaN(ms) ? otherwiseMs : ms;
}
