import {
  type LabelSelectorShape,
  matchesLabels,
  selectorFromLabelSelector,
  selectorFromLabels,
} from "../../base/label-selector.ts";
import type { Stored } from "../object-cache.ts";
import { resources } from "../resources.ts";
import type { Deployment, Pod, ReplicaSet, ReplicationController } from "../types.ts";
import { explainPod, isReadyPod, isWellPod } from "./explain-pod.ts";
import type { Facts } from "./facts.ts";
import {
  type Evidence,
  type Finding,
  finding,
  leadsTo,
  type Named,
  stands,
  wordsOf,
  worked,
} from "./finding.ts";
import { refusalFinding } from "./refusals.ts";

/** So many of a workload's pods that are not well are gone into. */
const podsMax = 3;

/** The pods of a namespace that an object controls. */
export function podsOf({ metadata }: Stored, facts: Facts): readonly Pod[] {
  return podsBy(facts, metadata.namespace ?? "").get(metadata.uid) ?? [];
}

const byOwner = new WeakMap<readonly Pod[], ReadonlyMap<string, readonly Pod[]>>();

/** Pods by the uid of their controller, once for each list. */
function podsBy(facts: Facts, namespace: string): ReadonlyMap<string, readonly Pod[]> {
  const pods = facts.list(resources.pods, namespace);
  if (pods === undefined) return new Map();
  let map = byOwner.get(pods);
  if (map === undefined) {
    const made = new Map<string, Pod[]>();
    for (const pod of pods)
      for (const { uid, controller } of pod.metadata.ownerReferences ?? [])
        if (controller) {
          const of = made.get(uid);
          if (of === undefined) made.set(uid, [pod]);
          else of.push(pod);
        }
    map = made;
    byOwner.set(pods, map);
  }
  return map;
}

/** What is wrong with pods, each cause once. */
export function podFindings(pods: readonly Pod[], facts: Facts): readonly Finding[] {
  const unwell = pods.filter(
    (pod) => !isWellPod(pod, facts.nowMs) && pod.metadata.deletionTimestamp === undefined,
  );
  const found = new Map<string, { finding: Finding; pods: Pod[] }>();
  for (const pod of unwell.slice(0, podsMax))
    for (const one of explainPod(pod, facts)) {
      const key = `${one.code} ${one.cause}`;
      const same = found.get(key);
      if (same === undefined) found.set(key, { finding: one, pods: [pod] });
      else same.pods.push(pod);
    }
  const all = pods.length;
  return [...found.values()].map(({ finding: one, pods: [first] }) => ({
    ...one,
    evidence: [
      worked(`pod ${first?.metadata.name}, one of ${unwell.length} of ${all} pods that are not ready`),
      ...one.evidence,
    ],
  }));
}

interface Shape {
  readonly replicas?: number;
  readonly paused?: boolean;
  readonly selector?: LabelSelectorShape;
}

/** What a workload's own fields say. */
function wishes(workload: Stored & Named, spec: Shape): readonly Finding[] {
  const words = wordsOf(workload);
  if (spec.replicas === 0)
    return [
      finding("scaled-to-zero", workload, "it is to have no pods: replicas is 0", {
        evidence: [stands(workload, "spec.replicas", 0)],
        change: ["a larger spec.replicas"],
        next: [`kubectl scale ${words} --replicas 1`],
      }),
    ];
  return [];
}

export function explainDeployment(deployment: Deployment, facts: Facts): readonly Finding[] {
  const { metadata, spec, status = {} } = deployment;
  const words = wordsOf(deployment);
  const wished = wishes(deployment, spec ?? {});
  if (wished.length > 0) return wished;
  const sets = (facts.list(resources.replicasets, metadata.namespace) ?? []).filter((set) =>
    set.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid),
  );
  const revision = metadata.annotations?.["deployment.kubernetes.io/revision"];
  const newest = sets.find(
    (set) => set.metadata.annotations?.["deployment.kubernetes.io/revision"] === revision,
  );
  const found: Finding[] = [];
  const wanted = spec?.replicas ?? 1;
  const updated = newest === undefined ? [] : podsOf(newest, facts);
  const current = sets.filter((set) => (set.spec?.replicas ?? 0) > 0);
  for (const set of current) {
    const lacks = podsOf(set, facts).length < (set.spec?.replicas ?? 0);
    const refused = lacks ? refusalFinding(set, facts) : undefined;
    if (refused !== undefined) found.push(refused);
  }
  const pods = current.flatMap((set) => podsOf(set, facts));
  const newFirst = [...updated, ...pods.filter((pod) => !updated.includes(pod))];
  found.push(...podFindings(newFirst, facts));
  const progress = status.conditions?.find(({ type }) => type === "Progressing");
  const ready = newFirst.filter(isReadyPod).length;
  const done = ready >= wanted && updated.length >= wanted && newFirst.length === updated.length;
  if (spec?.paused && (!done || sets.length === 0))
    found.unshift(
      finding("paused", deployment, "its rollout is paused", {
        evidence: [stands(deployment, "spec.paused", true)],
        change: ["it goes on"],
        next: [`kubectl rollout resume ${words}`],
      }),
    );
  if (progress?.reason === "ProgressDeadlineExceeded") {
    const stuck = rolloutStuck(deployment, { updated, wanted, ready, message: progress.message ?? "" });
    if (found.length === 0) return [stuck];
    const old = newFirst.filter((pod) => !updated.includes(pod) && isReadyPod(pod)).length;
    if (old === 0) return [...found, stuck];
    return found.map((one) =>
      leadsTo(
        `its rollout is stuck, and ${old} old pod${old === 1 ? "" : "s"} go${old === 1 ? "es" : ""} on`,
        one,
        stuck.evidence,
      ),
    );
  }
  if (found.length > 0 || done) return found;
  const failure = status.conditions?.find(
    ({ type, status: is }) => type === "ReplicaFailure" && is === "True",
  );
  if (failure !== undefined)
    return [
      finding("create-refused", deployment, `its pods are refused: ${failure.message ?? ""}`, {
        evidence: [stands(deployment, "status.conditions[ReplicaFailure]", failure.message ?? "")],
        next: [`kubectl describe ${words}`],
      }),
    ];
  if (sets.length === 0)
    return [
      finding("no-pods-yet", deployment, "it has made no pods yet", {
        change: ["the controller manager runs and leads"],
        next: [`kubectl describe ${words}`, "kubectl get lease kube-controller-manager -n kube-system"],
      }),
    ];
  const cause = `its rollout is under way: ${updated.length} of ${wanted} pods are new, ${ready} are ready`;
  return [
    finding("rollout-slow", deployment, cause, {
      evidence: progress
        ? [stands(deployment, "status.conditions[Progressing]", progress.message ?? "")]
        : [],
      next: [`kubectl rollout status ${words}`],
    }),
  ];
}

interface Rollout {
  readonly updated: readonly Pod[];
  readonly wanted: number;
  readonly ready: number;
  readonly message: string;
}

function rolloutStuck(deployment: Deployment, { updated, wanted, ready, message }: Rollout): Finding {
  const strategy = deployment.spec?.strategy?.rollingUpdate;
  const limits: readonly Evidence[] =
    strategy === undefined
      ? []
      : [
          stands(
            deployment,
            "spec.strategy.rollingUpdate",
            `maxUnavailable ${strategy.maxUnavailable}, maxSurge ${strategy.maxSurge}`,
          ),
        ];
  const blocking = updated.find((pod) => !isReadyPod(pod));
  const deadline = deployment.spec?.progressDeadlineSeconds ?? 600;
  return finding(
    "rollout-stuck",
    deployment,
    `its rollout has made no progress for ${deadline} s: ${updated.length} of ${wanted} pods are new, ${ready} ready${blocking === undefined ? "" : `; it waits for pod ${blocking.metadata.name}`}`,
    {
      evidence: [stands(deployment, "status.conditions[Progressing]", message), ...limits],
      change: ["the new pods become ready, or the rollout is undone"],
      next: [`kubectl rollout status ${wordsOf(deployment)}`, `kubectl rollout undo ${wordsOf(deployment)}`],
    },
  );
}

export function explainReplicas(set: ReplicaSet | ReplicationController, facts: Facts): readonly Finding[] {
  const wished = wishes(set, (set.spec ?? {}) as Shape);
  if (wished.length > 0) {
    const isOld = set.metadata.ownerReferences?.some(({ kind }) => kind === "Deployment");
    return isOld ? [] : wished;
  }
  const pods = podsOf(set, facts);
  const wanted = set.spec?.replicas ?? 1;
  const refused = pods.length < wanted ? refusalFinding(set, facts) : undefined;
  if (refused !== undefined) return [refused, ...podFindings(pods, facts)];
  if (pods.length === 0)
    return [
      finding("no-pods-yet", set, "it has made no pods yet", { next: [`kubectl describe ${wordsOf(set)}`] }),
    ];
  return podFindings(pods, facts);
}

/** The pods that a workload's selector means, for whoever knows no owners. */
export function selectedPods(
  namespace: string,
  selector: LabelSelectorShape | Readonly<Record<string, string>> | undefined,
  facts: Facts,
): readonly Pod[] | undefined {
  const pods = facts.list(resources.pods, namespace);
  if (pods === undefined || selector === undefined) return pods === undefined ? undefined : [];
  const isShape = "matchLabels" in selector || "matchExpressions" in selector;
  const meant = isShape
    ? selectorFromLabelSelector(selector as LabelSelectorShape)
    : selectorFromLabels(selector as Readonly<Record<string, string>>);
  return pods.filter(
    ({ metadata }) => metadata.namespace === namespace && matchesLabels(meant, metadata.labels),
  );
}
