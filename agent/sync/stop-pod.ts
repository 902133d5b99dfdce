import type { Container, Pod } from "../../client/types.ts";
import { runProbe } from "../probes/run-probe.ts";
import type { RuntimeContainer } from "../runtime/seam.ts";
import { isSidecar, type Observed } from "./plan-pod.ts";
import { fieldPathOf, type PodContext } from "./pod-context.ts";

/** Stops every container of a pod, each within the grace, sidecars after the others, and then its sandboxes. */
export async function stopPod(
  pod: Pod,
  observed: Observed,
  graceSeconds: number,
  context: PodContext,
): Promise<void> {
  const running = observed.containers.filter(({ state }) => state.phase === "running");
  const sidecars = new Set((pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const endMs = context.os.clock.monotonicMs() + graceSeconds * 1000;
  const left = () => Math.max(0, (endMs - context.os.clock.monotonicMs()) / 1000);
  await Promise.all(
    running.filter(({ name }) => !sidecars.has(name)).map((one) => stopOne(pod, one, graceSeconds, context)),
  );
  // In reverse of the order in which they were started.
  for (const { name } of [...(pod.spec.initContainers ?? [])].reverse()) {
    const sidecar = running.find((one) => one.name === name && sidecars.has(name));
    if (sidecar !== undefined) await stopOne(pod, sidecar, left(), context);
  }
  for (const { id } of observed.sandboxes) await context.runtime.stopPodSandbox(id);
}

/** preStop hook, then SIGTERM, both within the grace; then SIGKILL. */
export async function stopOne(
  pod: Pod,
  running: RuntimeContainer,
  graceSeconds: number,
  context: PodContext,
  message?: string,
): Promise<void> {
  const { name, id } = running;
  const container = findContainer(pod, name);
  context.events.record(pod, {
    type: "Normal",
    reason: "Killing",
    message: message ?? `Stopping container ${name}`,
    fieldPath: fieldPathOf(pod, name),
  });
  const startedMs = context.os.clock.monotonicMs();
  const hook = container?.lifecycle?.preStop;
  if (hook && container && graceSeconds > 0) {
    const target = { containerId: id, container, podIp: podIpOf(pod, running, context) };
    const result = hook.sleep
      ? await pause(hook.sleep.seconds, graceSeconds, context)
      : await runProbe(hook, target, graceSeconds * 1000, context.runtime);
    if (!result.ok)
      context.events.record(pod, {
        type: "Warning",
        reason: "FailedPreStopHook",
        message: `PreStopHook failed: ${result.message}`,
      });
  }
  const usedSeconds = (context.os.clock.monotonicMs() - startedMs) / 1000;
  // A hook that used it all up still leaves two seconds, as the kubelet does.
  await context.runtime.stopContainer(id, graceSeconds === 0 ? 0 : Math.max(2, graceSeconds - usedSeconds));
}

function pause(seconds: number, most: number, { os }: PodContext): Promise<{ ok: boolean; message: string }> {
  return new Promise((resolve) =>
    os.clock.after(Math.min(seconds, most) * 1000, () => resolve({ ok: true, message: "" })),
  );
}

export function findContainer(pod: Pod, name: string): Container | undefined {
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((one) => one.name === name);
}

function podIpOf(pod: Pod, running: RuntimeContainer, context: PodContext): string {
  return pod.spec.hostNetwork
    ? context.nodeIp
    : (context.runtime.podSandboxStatus(running.sandboxId)?.podIp ?? "");
}
