import { systemClock } from "../../base/os/clock.ts";
import { UsageError } from "../../base/os/flags.ts";
import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import type { KubeObject, Pod } from "../../client/types.ts";
import { command, OperatorError } from "../command.ts";
import { eventsOf } from "../kubectl/describe-events.ts";
import { discover } from "../kubectl/discovery.ts";
import { clusterFlags, namespaceOf } from "../kubectl/flags.ts";
import { podSelector } from "../kubectl/pod-choice.ts";
import { parseOne } from "../kubectl/targets.ts";
import { claimFinding } from "./claims.ts";
import { explainPod } from "./explain-pod.ts";
import { explainWorkload, isReadyPod } from "./explain-workload.ts";
import { type Finding, finding, findingsText } from "./finding.ts";
import { gatherClaim, gatherPod } from "./gather.ts";

const flags = {
  ...clusterFlags,
  output: { kind: "string", short: "o", value: "FORM", choices: ["json"], help: "json: findings as data" },
} as const;

const workloads = ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController"];

/** So many of a workload's pods that are not well are gone into. */
const podsMost = 3;

export const whyCommand = command({
  name: "why",
  summary: "say why a pod, a workload or a claim does not get on, and what to do",
  usage: "POD | KIND/NAME",
  words: ["object"],
  flags,
  examples: ["pintle why pod/web-1", "pintle why deployment/web", "pintle why pvc/data -o json"],
  async run({ flags: given, words }, io) {
    if (words.length === 0) throw new UsageError("why what? For example: pod/web-1 or deployment/web");
    const client = io.client(given);
    const { resource, name } = parseOne(await discover(client), words, "pod");
    const ref = { name, namespace: resource.namespaced ? namespaceOf(given, client) : undefined };
    const answers = await explain(client, resource.kind, ref, io.signal, () =>
      client.get<KubeObject>(resource, ref),
    );
    io.stdout(
      given.output === "json"
        ? `${JSON.stringify(answers, undefined, 2)}\n`
        : answers.map(({ subject, findings }) => findingsText(subject, findings)).join("\n"),
    );
    return 0;
  },
});

interface Answer {
  readonly subject: string;
  readonly findings: readonly Finding[];
}

interface Named {
  readonly name: string;
  readonly namespace: string | undefined;
}

async function explain(
  client: RestClient,
  kind: string,
  ref: Named,
  signal: AbortSignal,
  read: () => Promise<KubeObject>,
): Promise<readonly Answer[]> {
  if (kind === "Pod") return [await explainOne(client, await client.get(resources.pods, ref), signal)];
  if (kind === "PersistentVolumeClaim") {
    const claim = await gatherClaim(client, ref.name, ref.namespace);
    if (claim.claim === undefined) await read(); // tells that there is none
    const bound = claim.claim?.status?.phase === "Bound";
    const otherwise = bound
      ? "nothing is wrong: it has its volume"
      : "it waits for a pod that uses it, as its class says";
    return [
      {
        subject: `pvc/${ref.name}`,
        findings: [claimFinding(claim, `-n ${ref.namespace}`) ?? finding(otherwise)],
      },
    ];
  }
  if (!workloads.includes(kind))
    throw new OperatorError(
      `pintle why knows pods, claims and ${workloads.join(", ")}; not ${kind}. Try: pintle describe`,
    );
  return explainWorkloadAndPods(client, await read(), signal);
}

async function explainOne(client: RestClient, pod: Pod, signal: AbortSignal): Promise<Answer> {
  const facts = await gatherPod(client, pod, { nowMs: systemClock.wallMs(), signal });
  return { subject: `pod/${pod.metadata.name}`, findings: explainPod(facts) };
}

async function explainWorkloadAndPods(
  client: RestClient,
  workload: KubeObject,
  signal: AbortSignal,
): Promise<readonly Answer[]> {
  const { namespace, name, uid } = workload.metadata;
  const { items: pods } = await client.list(resources.pods, {
    namespace,
    labelSelector: podSelector(workload),
  });
  const { items: sets } = await client.list(resources.replicasets, { namespace });
  const makers = [
    workload,
    ...sets.filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid)),
  ];
  const events = (await Promise.all(makers.map((one) => eventsOf(client, one)))).flat();
  const subject = `${workload.kind?.toLowerCase()}/${name}`;
  const own = explainWorkload({ workload, events, pods });
  const unwell = pods.filter((pod) => pod.status?.phase !== "Succeeded" && !isReadyPod(pod));
  const count = finding(`${unwell.length} of its ${pods.length} pods are not ready`);
  const findings = own.length > 0 ? own : [count];
  const first = await Promise.all(unwell.slice(0, podsMost).map((pod) => explainOne(client, pod, signal)));
  return [{ subject, findings }, ...first];
}
