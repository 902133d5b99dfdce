import type { Pod } from "../../client/types.ts";
import { runHook } from "../probes/run-hook.ts";
import type { RuntimeContainer } from "../runtime/seam.ts";
import { findContainer, isSidecar, type Observed } from "./observed.ts";
import { fieldPathOf, type PodContext } from "./pod-context.ts";
import type { StopGrace } from "./stop-grace.ts";

/** No container is killed sooner than this after it was asked to end, as the kubelet has it. */
const leastSeconds = 2;

export interface Stop {
  readonly grace: StopGrace;
  /** Aborts the waiting, not the containers: they then go on with what they were told. */
  readonly signal: AbortSignal;
}

/** Stops every container of a pod, each within the grace, sidecars after the others, and then its sandboxes. */
export async function stopPod(pod: Pod, observed: Observed, stop: Stop, context: PodContext): Promise<void> {
  const running = observed.containers.filter(({ state }) => state.phase === "running");
  const sidecars = new Set((pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  await Promise.all(
    running.filter(({ name }) => !sidecars.has(name)).map((one) => stopOne(pod, one, stop, context)),
  );
  // In reverse of the order in which they were started.
  for (const { name } of [...(pod.spec.initContainers ?? [])].reverse()) {
    const sidecar = running.find((one) => one.name === name && sidecars.has(name));
    if (sidecar !== undefined) await stopOne(pod, sidecar, stop, context);
  }
  for (const { id } of observed.sandboxes) await context.runtime.stopPodSandbox(id);
}

/** preStop hook, then SIGTERM, both within the grace; then SIGKILL. A grace that is shortened meanwhile counts at once, for
 *  the hook as for the container. */
export async function stopOne(
  pod: Pod,
  running: RuntimeContainer,
  { grace, signal }: Stop,
  context: PodContext,
  message?: string,
): Promise<void> {
  const { name, id } = running;
  context.events.record(pod, {
    type: "Normal",
    reason: "Killing",
    message: message ?? `Stopping container ${name}`,
    fieldPath: fieldPathOf(pod, name),
  });
  await preStop(pod, running, { grace, signal }, context);
  // A hook that used it all up still leaves two seconds, as the kubelet does.
  const again: Promise<void>[] = [];
  const left = () => Math.max(leastSeconds, grace.leftSeconds);
  const off = grace.onShortened(() => again.push(context.runtime.stopContainer(id, left(), signal)));
  try {
    await context.runtime.stopContainer(id, left(), signal);
  } finally {
    off();
    await Promise.all(again);
  }
}

async function preStop(
  pod: Pod,
  running: RuntimeContainer,
  { grace, signal }: Stop,
  context: PodContext,
): Promise<void> {
  const container = findContainer(pod, running.name);
  const hook = container?.lifecycle?.preStop;
  const seconds = grace.leftSeconds;
  if (!hook || !container || seconds === 0) return;
  const over = new AbortController();
  const podIp = podIpOf(pod, running, context);
  const result = await grace
    .within(
      runHook(
        hook,
        { containerId: running.id, container, podIp },
        { timeoutMs: seconds * 1000, signal: over.signal },
        { runtime: context.runtime, clock: context.os.clock },
      ),
      signal,
    )
    .finally(() => over.abort(new Error("the grace is over")));
  if (result?.warning !== undefined) context.events.record(pod, { type: "Warning", ...result.warning });
  if (result !== undefined && !result.ok)
    context.events.record(pod, {
      type: "Warning",
      reason: "FailedPreStopHook",
      message: "PreStopHook failed",
      fieldPath: fieldPathOf(pod, running.name),
    });
}

function podIpOf(pod: Pod, running: RuntimeContainer, context: PodContext): string {
  return pod.spec.hostNetwork
    ? context.nodeIp
    : (context.runtime.podSandboxStatus(running.sandboxId)?.podIp ?? "");
}
