import type { Container, Pod } from "../../client/types.ts";
import type { RuntimeContainer, SandboxStatus } from "../runtime/seam.ts";
import { isOutdated, policyRestarts } from "./restart-rules.ts";

/** What the runtime shows of one pod. */
export interface Observed {
  readonly sandboxes: readonly SandboxStatus[];
  readonly containers: readonly RuntimeContainer[];
  /** Ids of containers that were killed so that another takes their place: it starts whatever the restart policy says. */
  readonly replaced?: ReadonlySet<string>;
}

/** The newest container of a name: the highest attempt. */
export function latest(observed: Observed, name: string, sandboxId?: string): RuntimeContainer | undefined {
  let found: RuntimeContainer | undefined;
  for (const one of observed.containers) {
    if (one.name !== name || (sandboxId !== undefined && one.sandboxId !== sandboxId)) continue;
    if (
      found === undefined ||
      one.attempt > found.attempt ||
      (one.attempt === found.attempt && one.createdAtMs > found.createdAtMs)
    )
      found = one;
  }
  return found;
}

/** Something of the pod still runs or holds namespaces. */
export function isLive({ containers, sandboxes }: Observed): boolean {
  return (
    containers.some(({ state }) => state.phase === "running") ||
    sandboxes.some(({ state }) => state === "ready")
  );
}

export const isSidecar = (container: Container): boolean => container.restartPolicy === "Always";

export const isInit = (pod: Pod, name: string): boolean =>
  (pod.spec.initContainers ?? []).some((one) => one.name === name);

/** Of containers of all three sorts; what an ephemeral one has more is left out of its type. */
export function findContainer({ spec }: Pod, name: string): Container | undefined {
  const all: readonly Container[] = [
    ...spec.containers,
    ...(spec.initContainers ?? []),
    ...(spec.ephemeralContainers ?? []),
  ];
  return all.find((one) => one.name === name);
}

export const findEphemeral = ({ spec }: Pod, name: string) =>
  (spec.ephemeralContainers ?? []).find((one) => one.name === name);

/** True when a container that ended is to be started again. */
export function restarts(
  pod: Pod,
  container: Container,
  last: RuntimeContainer,
  { replaced, containers }: Observed,
): boolean {
  if (last.state.phase !== "exited" || findEphemeral(pod, container.name) !== undefined) return false;
  if (isSidecar(container) || replaced?.has(last.id) || isOutdated(pod, containers, last)) return true;
  const { exitCode } = last.state;
  // An init container that succeeded is done, also where the pod's containers always restart.
  return !(exitCode === 0 && isInit(pod, container.name)) && policyRestarts(pod, container, exitCode);
}

/** True when nothing of the pod will run again: every container ended and none restarts, or an init container failed for
 *  good. */
export function isFinished(pod: Pod, observed: Observed): boolean {
  const sandbox = [...observed.sandboxes].sort((a, b) => b.attempt - a.attempt)[0];
  const failedInit = (pod.spec.initContainers ?? []).some((container) => {
    const last = latest(observed, container.name);
    if (last?.state.phase !== "exited") return false;
    if (sandbox !== undefined && last.sandboxId !== sandbox.id) return false;
    return last.state.exitCode !== 0 && !restarts(pod, container, last, observed);
  });
  if (failedInit) return true;
  return pod.spec.containers.every((container) => {
    const last = latest(observed, container.name);
    return last?.state.phase === "exited" && !restarts(pod, container, last, observed);
  });
}
