import { resources } from "../resources.ts";
import type { ContainerStatus, Pod } from "../types.ts";
import { claimsOfPod } from "./claims.ts";
import { crashFinding } from "./crashes.ts";
import { endingFindings } from "./endings.ts";
import { type Facts, latestEvent } from "./facts.ts";
import { type Finding, finding, stands, told, wordsOf } from "./finding.ts";
import { imageFinding } from "./images.ts";
import { isReadyNode, nodeNotReady } from "./nodes.ts";
import { placementFindings } from "./placement.ts";
import { readinessFindings } from "./probes.ts";
import { missingReferences } from "./references.ts";

export const isReadyPod = ({ status }: Pod): boolean =>
  (status?.conditions ?? []).some((one) => one.type === "Ready" && one.status === "True");

const restartsMin = 2;
const lateMs = 15 * 60_000;

/** Whether a container has ended several times, and not long ago. */
const endsOften = ({ restartCount, lastState }: ContainerStatus, nowMs: number): boolean =>
  restartCount >= restartsMin && nowMs - Date.parse(String(lastState?.terminated?.finishedAt)) < lateMs;

/** Whether a pod needs no explanation. */
export const isWellPod = (pod: Pod, nowMs: number): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  (pod.status?.phase === "Succeeded" ||
    (isReadyPod(pod) && !(pod.status?.containerStatuses ?? []).some((one) => endsOften(one, nowMs))));

/** Why a pod does not run and serve, the reason that holds up all others first; none: all is well. */
export function explainPod(pod: Pod, facts: Facts): readonly Finding[] {
  const ending = endingFindings(pod, facts);
  if (ending !== undefined) return ending;
  const { nodeName } = pod.spec;
  if (!nodeName) {
    const found = [...claimsOfPod(pod, facts), ...placementFindings(pod, facts)];
    return found.length > 0 ? found : [starting(pod, "nobody has placed it yet")];
  }
  const node = facts.find(resources.nodes, { name: nodeName });
  const lost =
    node === null
      ? [
          finding(
            "node-missing",
            { kind: "Node", metadata: { name: nodeName } },
            `its node ${nodeName} does not exist (any more)`,
            {
              evidence: [stands(pod, "spec.nodeName", nodeName)],
              next: ["kubectl get nodes"],
            },
          ),
        ]
      : node === undefined || isReadyNode(node)
        ? []
        : [nodeNotReady(node)];
  if (isReadyPod(pod) && pod.status?.phase === "Running") return [...lost, ...restartFindings(pod, facts)];
  const found = [...lost, ...claimsOfPod(pod, facts), ...containerFindings(pod, facts)];
  return found.length > 0 ? found : [starting(pod, `its node ${nodeName} is at work on it`)];
}

/** Of a pod that is ready, and was not a while ago. */
function restartFindings(pod: Pod, facts: Facts): readonly Finding[] {
  return (pod.status?.containerStatuses ?? [])
    .filter((status) => endsOften(status, facts.nowMs))
    .map((status) => {
      const found = crashFinding(
        { pod, status, field: `status.containerStatuses[${status.name}]`, isInit: false },
        facts,
      );
      return { ...found, severity: "warning" };
    });
}

const starting = (pod: Pod, cause: string): Finding =>
  finding("pod-starting", pod, cause, { next: [`kubectl describe ${wordsOf(pod)}`] });

/** What keeps a pod's containers from running and being ready, those first that others wait for. */
function containerFindings(pod: Pod, facts: Facts): readonly Finding[] {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  const states = [
    ...initContainerStatuses.map((status) => ({ status, list: "initContainerStatuses", isInit: true })),
    ...containerStatuses.map((status) => ({ status, list: "containerStatuses", isInit: false })),
  ];
  const found = states.flatMap(({ status, list, isInit }) => {
    const field = `status.${list}[${status.name}]`;
    return (
      imageFinding(pod, status, field, facts) ??
      configFinding(pod, status, field, facts) ??
      endedFinding(pod, status, { field, isInit }, facts) ??
      []
    );
  });
  if (found.length > 0) return found;
  const waits = containerStatuses.every(({ state }) => state?.running === undefined);
  if (waits) {
    const before = [...missingReferences(pod, facts), ...mountFindings(pod, facts)];
    if (before.length > 0) return before;
    const init = initContainerStatuses.find(({ state }) => state?.running !== undefined);
    if (init !== undefined) return [initStuck(pod, init, facts)];
  }
  return readinessFindings(pod, facts);
}

function configFinding(
  pod: Pod,
  { name, state }: ContainerStatus,
  field: string,
  facts: Facts,
): Finding | undefined {
  const { reason = "", message = "" } = state?.waiting ?? {};
  if (reason === "CreateContainerConfigError") {
    const [missing] = missingReferences(pod, facts);
    if (missing !== undefined)
      return {
        ...missing,
        evidence: [...missing.evidence, stands(pod, `${field}.state.waiting`, `${reason}: ${message}`)],
      };
  }
  const isStart = ["CreateContainerError", "RunContainerError"].includes(reason);
  if (isStart && /executable file not found|no such file or directory/i.test(message))
    return finding("command-not-found", pod, `the command of container ${name} is not there: ${message}`, {
      evidence: [stands(pod, `${field}.state.waiting`, `${reason}: ${message}`)],
      change: ["command and args name a program of the image, with its path"],
      next: [`kubectl describe ${wordsOf(pod)}`],
    });
  const usual = ["", "ContainerCreating", "PodInitializing", "CrashLoopBackOff", "Completed"];
  if (state?.waiting === undefined || usual.includes(reason)) return undefined;
  return finding(
    "container-config",
    pod,
    `container ${name} cannot be made as it is described: ${message || reason}`,
    {
      evidence: [stands(pod, `${field}.state.waiting`, `${reason}: ${message}`)],
      change: ["what it names (a ConfigMap, Secret or key, a user, a path) exists"],
      next: [`kubectl describe ${wordsOf(pod)}`],
    },
  );
}

function endedFinding(
  pod: Pod,
  status: ContainerStatus,
  { field, isInit }: { readonly field: string; readonly isInit: boolean },
  facts: Facts,
): Finding | undefined {
  const { state, lastState, ready } = status;
  const isBackingOff = state?.waiting?.reason === "CrashLoopBackOff";
  const hasFailed = state?.terminated !== undefined && state.terminated.exitCode !== 0;
  const keepsFailing =
    !ready && state?.running !== undefined && lastState?.terminated !== undefined && !isInit;
  const hasEnded = !isInit && state?.terminated !== undefined && pod.spec.restartPolicy === "Always";
  return isBackingOff || hasFailed || keepsFailing || hasEnded
    ? crashFinding({ pod, status, field, isInit }, facts)
    : undefined;
}

function initStuck(pod: Pod, { name, state }: ContainerStatus, facts: Facts): Finding {
  const { name: podName, namespace } = pod.metadata;
  const since = state?.running?.startedAt;
  const lines = facts.lines(pod, name, false);
  return finding("init-stuck", pod, `its init container ${name} does not end, and the others wait for it`, {
    evidence: [
      stands(pod, `status.initContainerStatuses[${name}].state.running.startedAt`, since ?? ""),
      ...lines.map((says) => ({ says, field: "output" })),
    ],
    change: ["what it waits for is there, or it gives up after a while"],
    next: [`kubectl logs ${podName} -n ${namespace} -c ${name}`],
  });
}

function mountFindings(pod: Pod, facts: Facts): readonly Finding[] {
  const failed = latestEvent(
    facts.events(pod),
    "FailedMount",
    "FailedAttachVolume",
    "FailedCreatePodSandBox",
  );
  if (failed === undefined || pod.status?.phase !== "Pending") return [];
  const isSandbox = failed.reason === "FailedCreatePodSandBox";
  return [
    finding(
      isSandbox ? "sandbox-failed" : "mount-failed",
      pod,
      `${isSandbox ? "its network or sandbox cannot be made" : "a volume of it cannot be mounted"}: ${failed.message ?? ""}`,
      {
        evidence: [told(failed)],
        change: [
          isSandbox ? "the node's network and runtime work" : "the volume's source exists and can be read",
        ],
        next: [`kubectl describe ${wordsOf(pod)}`, `kubectl describe node ${pod.spec.nodeName}`],
      },
    ),
  ];
}
