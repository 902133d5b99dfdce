import type { ContainerStatus, Pod } from "../../client/types.ts";
import { inNamespace, latestEvent, type PodFacts, podWord } from "./facts.ts";
import { type Finding, finding } from "./finding.ts";

/** What keeps a pod's containers from running and being ready, those first that others wait for. */
export function containerFindings(facts: PodFacts): readonly Finding[] {
  const { pod } = facts;
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  const found = [...initContainerStatuses, ...containerStatuses].flatMap(
    (one) => stateFinding(facts, one) ?? [],
  );
  if (found.length > 0) return found;
  const mount = mountFinding(facts);
  if (mount !== undefined) return [mount];
  const init = initContainerStatuses.find(({ state }) => state?.running !== undefined);
  const waits = containerStatuses.every(({ state }) => state?.running === undefined);
  if (init !== undefined && waits)
    return [
      finding(`its init container ${init.name} is still at work; the others wait for it`, {
        because: [`running since ${init.state?.running?.startedAt}`],
        next: [`kubectl logs ${pod.metadata.name} ${inNamespace(pod)} -c ${init.name}`],
      }),
    ];
  return readinessFindings(facts);
}

function stateFinding(facts: PodFacts, status: ContainerStatus): Finding | undefined {
  const { reason = "", message = "" } = status.state?.waiting ?? {};
  if (reason in waitings) return waitings[reason]?.(facts, status, message);
  if (status.state?.waiting === undefined || ["", "ContainerCreating", "PodInitializing"].includes(reason))
    return undefined;
  return finding(`container ${status.name} waits: ${reason}`, {
    because: message ? [message] : [],
    next: [`kubectl describe ${podWord(facts.pod)}`],
  });
}

type Waiting = (facts: PodFacts, status: ContainerStatus, message: string) => Finding;

const image: Waiting = ({ pod, events }, { name, image }, message) =>
  finding(`the image of container ${name} cannot be had: ${image}`, {
    because: [latestEvent(events, "Failed")?.message ?? message].filter((line) => line !== ""),
    change: ["the image's name is right, its registry answers, and spec.imagePullSecrets opens it"],
    next: [`pintle image import FILE    # brings it without a registry`, `kubectl describe ${podWord(pod)}`],
  });

const configuration: Waiting = ({ pod }, { name }, message) =>
  finding(`container ${name} cannot be made as it is described: ${message}`, {
    change: ["what it names (a ConfigMap, Secret or key, a user, a path) exists"],
    next: [`kubectl get configmaps,secrets ${inNamespace(pod)}`, `kubectl describe ${podWord(pod)}`],
  });

const waitings: Readonly<Record<string, Waiting>> = {
  ErrImagePull: image,
  ImagePullBackOff: image,
  ErrImageNeverPull: ({ pod }, { name, image }) =>
    finding(`the image of container ${name} is not on the node, and may not be pulled: ${image}`, {
      change: ["it is imported, or imagePullPolicy is another than Never"],
      next: ["pintle image import FILE", `kubectl describe ${podWord(pod)}`],
    }),
  InvalidImageName: ({ pod }, { name, image }) =>
    finding(`container ${name} names its image in a way that no image is named: ${image}`, {
      next: [`kubectl edit ${podWord(pod)}`],
    }),
  CreateContainerConfigError: configuration,
  CreateContainerError: configuration,
  RunContainerError: configuration,
  CrashLoopBackOff: crash,
};

function crash({ pod, lastLines, events }: PodFacts, status: ContainerStatus): Finding {
  const { name, restartCount, lastState } = status;
  const ended = lastState?.terminated;
  const lines = lastLines.get(name) ?? [];
  const probe = latestEvent(events, "Unhealthy");
  const killed =
    (ended?.exitCode === 137 || ended?.exitCode === 143) && probe?.message?.startsWith("Liveness");
  return finding(`container ${name} ends again and again: ${endText(ended?.exitCode, ended?.reason)}`, {
    because: [
      `started ${restartCount + 1} times`,
      ...(killed && probe?.message ? [probe.message] : []),
      ...(ended?.message ? [ended.message.trim()] : []),
      ...(lines.length > 0 ? ["its last lines:", ...lines.map((line) => `  ${line}`)] : []),
    ],
    change: changeFor(ended?.exitCode, ended?.reason, Boolean(killed)),
    next: [`kubectl logs ${pod.metadata.name} ${inNamespace(pod)} -c ${name} --previous`],
  });
}

/** What an exit code tells. */
export function endText(exitCode: number | undefined, reason: string | undefined): string {
  if (reason === "OOMKilled") return "it took more memory than its limit, and was killed (OOMKilled)";
  if (exitCode === undefined) return reason ?? "nobody knows how";
  const meaning: Readonly<Record<number, string>> = {
    0: "it did its work and left, where it is to stay",
    126: "its command cannot be run",
    127: "its command is not there",
    128: "it could not be started",
    137: "it was killed",
    139: "it broke off with a memory fault",
    143: "it was told to end",
  };
  return `exit code ${exitCode}${meaning[exitCode] === undefined ? "" : `, ${meaning[exitCode]}`}`;
}

function changeFor(
  exitCode: number | undefined,
  reason: string | undefined,
  byProbe: boolean,
): readonly string[] {
  if (reason === "OOMKilled") return ["a higher resources.limits.memory, or a program that takes less"];
  if (byProbe)
    return [
      "the liveness probe asks something that answers in time, or a startupProbe gives it time to start",
    ];
  if (exitCode === 0) return ["a command that goes on, or a Job for work that ends"];
  if (exitCode === 126 || exitCode === 127 || exitCode === 128)
    return ["command and args name a program of the image"];
  return [];
}

function mountFinding({ pod, events }: PodFacts): Finding | undefined {
  const failed = latestEvent(events, "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox");
  const creating = pod.status?.phase === "Pending" && pod.spec.nodeName !== undefined;
  if (failed === undefined || !creating) return undefined;
  return finding("what it needs before its containers cannot be made ready", {
    because: [`${failed.reason}: ${failed.message}`],
    change: ["the volume's source exists and can be read"],
    next: [`kubectl describe ${podWord(pod)}`],
  });
}

function readinessFindings({ pod, events }: PodFacts): readonly Finding[] {
  const { containerStatuses = [], conditions = [] } = pod.status ?? {};
  const unready = containerStatuses.filter(({ ready, state }) => !ready && state?.running !== undefined);
  const probe = latestEvent(events, "Unhealthy");
  if (unready.length > 0)
    return unready.map(({ name, started }) =>
      finding(
        `container ${name} runs, but ${started === false ? "has not started up by its probe" : "is not ready"}`,
        {
          because: probe?.message === undefined ? [] : [probe.message],
          change: [probeText(pod, name)],
          next: [`kubectl logs ${pod.metadata.name} ${inNamespace(pod)} -c ${name}`],
        },
      ),
    );
  const gates = (pod.spec.readinessGates ?? []).filter(
    ({ conditionType }) =>
      !conditions.some(({ type, status }) => type === conditionType && status === "True"),
  );
  return gates.map(({ conditionType }) =>
    finding(`it waits for its readiness gate ${conditionType}`, {
      change: [`whoever is to set the condition ${conditionType} sets it to True`],
      next: [`kubectl get ${podWord(pod)} -o yaml`],
    }),
  );
}

function probeText(pod: Pod, name: string): string {
  const container = pod.spec.containers.find((one) => one.name === name);
  const probe = container?.readinessProbe ?? container?.startupProbe;
  if (probe?.httpGet)
    return `GET ${probe.httpGet.path ?? "/"} at port ${probe.httpGet.port} answers 200 to 399 in ${probe.timeoutSeconds ?? 1} s`;
  if (probe?.tcpSocket) return `port ${probe.tcpSocket.port} takes connections`;
  if (probe?.grpc) return `the gRPC health service at port ${probe.grpc.port} says SERVING`;
  if (probe?.exec)
    return `${JSON.stringify(probe.exec.command)} ends with 0 in ${probe.timeoutSeconds ?? 1} s`;
  return "its probe says yes";
}
