import { parseQuantity } from "../../base/quantity.ts";
import type { ContainerStatus, KubeObject, Pod, Resource } from "../types.ts";
import { formatBytes } from "./amounts.ts";
import { nameNotResolved, unresolvedFinding } from "./dns.ts";
import { exitText } from "./exit-codes.ts";
import { type Facts, latestEvent } from "./facts.ts";
import { type Evidence, type Finding, finding, stands, told, worked } from "./finding.ts";

/** What the metrics API tells of a pod. */
const podMetrics: Resource<KubeObject> = {
  group: "metrics.k8s.io",
  version: "v1beta1",
  kind: "PodMetrics",
  plural: "pods",
  namespaced: true,
};

type Ended = NonNullable<NonNullable<ContainerStatus["state"]>["terminated"]>;

const notThere = /executable file not found|no such file or directory|not found in \$PATH/i;
const notExecutable = /permission denied|exec format error|cannot execute/i;

export interface Crash {
  readonly pod: Pod;
  readonly status: ContainerStatus;
  /** `status.containerStatuses[web]` */
  readonly field: string;
  readonly isInit: boolean;
}

/** Why a container that has ended has ended. */
export function crashFinding({ pod, status, field, isInit }: Crash, facts: Facts): Finding {
  const { name, restartCount, lastState, state } = status;
  const ended = state?.terminated ?? lastState?.terminated;
  const at = state?.terminated === undefined ? `${field}.lastState.terminated` : `${field}.state.terminated`;
  const lines = facts.lines(pod, name, state?.terminated === undefined);
  const who = `${isInit ? "init container" : "container"} ${name}`;
  const often = restartCount === 0 ? "ended" : "ends again and again";
  const evidence: readonly Evidence[] = [
    ...(ended === undefined ? [] : [stands(pod, at, endedText(ended, restartCount))]),
    ...lines.map((line) => ({ ...worked(line), field: "output" })),
  ];
  const { name: podName, namespace } = pod.metadata;
  const next = [
    `kubectl logs ${podName} -n ${namespace} -c ${name}${state?.terminated === undefined ? " --previous" : ""}`,
  ];
  const exit = exitText(ended?.exitCode, ended?.reason);
  if (ended?.reason === "OOMKilled") return memoryFinding({ pod, status, evidence, next }, facts);
  const probe = [...facts.events(pod)]
    .reverse()
    .find(
      ({ reason, message = "", involvedObject }) =>
        reason === "Unhealthy" &&
        /^(Liveness|Startup)/.test(message) &&
        (involvedObject.fieldPath === undefined || involvedObject.fieldPath.includes(`{${name}}`)),
    );
  const startup = probe?.message?.startsWith("Startup") ?? false;
  const wasKilled =
    [0, 137, 143].includes(ended?.exitCode ?? 0) || latestEvent(facts.events(pod), "Killing") !== undefined;
  if (probe !== undefined && wasKilled)
    return finding(
      startup ? "startup-probe" : "liveness-probe",
      pod,
      `${who} is started again and again: its ${startup ? "startup" : "liveness"} probe fails: ${probeSays(probe.message)}`,
      {
        evidence: [told(probe), ...evidence],
        change: [
          startup
            ? "a program that starts sooner, or a larger failureThreshold"
            : "the liveness probe asks something that answers in time, or a startupProbe gives it time to start",
        ],
        next,
      },
    );
  const message = `${ended?.message ?? ""} ${ended?.exitCode === 128 || ended?.reason === "StartError" ? (state?.waiting?.message ?? "") : ""}`;
  if (ended?.exitCode === 127 || (ended?.exitCode === 128 && notThere.test(message)))
    return finding(
      "command-not-found",
      pod,
      `the command of ${who} is not there: exit code ${ended.exitCode}`,
      {
        evidence: [...commandOf(pod, name), ...evidence],
        change: ["command and args name a program of the image, with its path"],
        next,
      },
    );
  if (ended?.exitCode === 126 || (ended?.exitCode === 128 && notExecutable.test(message)))
    return finding(
      "command-not-executable",
      pod,
      `the command of ${who} cannot be run: exit code ${ended.exitCode}`,
      {
        evidence: [...commandOf(pod, name), ...evidence],
        change: ["a file that may be executed (mode x), of this processor's architecture"],
        next,
      },
    );
  const unresolved = nameNotResolved([...lines, ended?.message ?? ""]);
  if (unresolved !== undefined && ended?.exitCode !== 0)
    return unresolvedFinding({ pod, who, host: unresolved, evidence, next }, facts);
  if (ended?.exitCode === 0 && !isInit)
    return finding("completes-again", pod, `${who} ${often}: ${exit}`, {
      evidence,
      change: ["a command that goes on, or a Job for work that ends"],
      next,
    });
  return finding(isInit ? "init-crash" : "crash", pod, `${who} ${often}: ${exit}${lastWord(lines, ended)}`, {
    evidence,
    next,
  });
}

/** The last that it said, where that is short. */
function lastWord(lines: readonly string[], ended: Ended | undefined): string {
  const last = (ended?.message?.trim() || lines.at(-1) || "").split("\n").at(-1) ?? "";
  return last === "" || last.length > 160 ? "" : `; it said: ${last}`;
}

const endedText = ({ exitCode, reason, message = "" }: Ended, restarts: number): string =>
  `exit code ${exitCode}, ${reason ?? ""}, started ${restarts + 1} times${message.trim() === "" ? "" : `: ${message.trim()}`}`;

export const probeSays = (message = ""): string => message.replace(/^\w+ probe (failed|errored)[^:]*: /, "");

function commandOf(pod: Pod, name: string): readonly Evidence[] {
  const container = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(
    (one) => one.name === name,
  );
  const words = [...(container?.command ?? []), ...(container?.args ?? [])];
  return words.length === 0 ? [] : [stands(pod, `spec.containers[${name}].command`, JSON.stringify(words))];
}

interface Memory {
  readonly pod: Pod;
  readonly status: ContainerStatus;
  readonly evidence: readonly Evidence[];
  readonly next: readonly string[];
}

function memoryFinding({ pod, status: { name }, evidence, next }: Memory, facts: Facts): Finding {
  const container = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(
    (one) => one.name === name,
  );
  const limit = container?.resources?.limits?.memory;
  const { namespace, name: podName } = pod.metadata;
  const usage = facts.isWide ? undefined : facts.find(podMetrics, { name: podName, namespace });
  const containers = (usage?.containers ?? []) as readonly { name?: string; usage?: { memory?: string } }[];
  const used = containers.find((one) => one.name === name)?.usage?.memory;
  return finding(
    "out-of-memory",
    pod,
    limit === undefined
      ? `container ${name} was killed for its memory (OOMKilled): it has no limit, so its pod or node had none left`
      : `container ${name} takes more memory than its limit of ${limit}, and is killed (OOMKilled)`,
    {
      evidence: [
        ...(limit === undefined
          ? []
          : [stands(pod, `spec.containers[${name}].resources.limits.memory`, limit)]),
        ...(used === undefined
          ? []
          : [
              stands(
                { kind: "PodMetrics", metadata: pod.metadata },
                "usage.memory",
                formatBytes(parseQuantity(used)),
              ),
            ]),
        ...evidence,
      ],
      change: ["a higher resources.limits.memory, or a program that takes less"],
      next: [...next, `kubectl top pod ${podName} -n ${namespace} --containers`],
    },
  );
}
