import type { ControllerRevision, DaemonSet, Draft, Pod } from "../../../client/types.ts";
import { controllerReference } from "../owners.ts";
import { revisionData } from "../revision-data.ts";
import { canonicalJson, templateHash } from "../template-hash.ts";
import { revisionLabel } from "./daemon-pod.ts";

export type RevisionAction =
  | { readonly action: "create"; readonly object: Draft<ControllerRevision> }
  /** An old template is in use again. */
  | { readonly action: "renumber"; readonly name: string; readonly revision: number }
  /** A pod of the current template goes by the hash of a revision that is a duplicate of the current one. */
  | { readonly action: "relabel"; readonly pod: string; readonly hash: string }
  | { readonly action: "delete"; readonly name: string };

/** The history of templates: what to write, in that order; the hash that pods of the current one carry; and the pods as
 *  they are afterwards. Of several revisions of the current template the newest stays. Pure. */
export function planRevisions(
  daemonSet: DaemonSet,
  history: readonly ControllerRevision[],
  pods: readonly Pod[],
): { readonly hash: string; readonly actions: readonly RevisionAction[]; readonly pods: readonly Pod[] } {
  const data = revisionData(daemonSet.spec.template);
  const key = canonicalJson(data);
  const sorted = [...history].sort((a, b) => a.revision - b.revision);
  const same = sorted.filter((revision) => canonicalJson(revision.data) === key);
  const others = sorted.filter((revision) => !same.includes(revision));
  const current = same.at(-1);
  const next = (others.at(-1)?.revision ?? 0) + 1;
  const hash =
    (current && hashOf(current)) ?? templateHash(daemonSet.spec.template, daemonSet.status?.collisionCount);
  const actions: RevisionAction[] = [];
  if (current === undefined)
    actions.push({ action: "create", object: newRevision(daemonSet, { data, hash, revision: next }) });
  else if (current.revision < next)
    actions.push({ action: "renumber", name: current.metadata.name, revision: next });
  const duplicates = same.slice(0, -1);
  const relabelled = relabel(pods, new Set(duplicates.map(hashOf)), hash);
  const live = new Set(relabelled.pods.map(hashOf));
  const unused = others.filter((one) => !live.has(hashOf(one)));
  const surplus = unused.slice(0, Math.max(0, unused.length - (daemonSet.spec.revisionHistoryLimit ?? 10)));
  actions.push(...relabelled.actions);
  for (const { metadata } of [...duplicates, ...surplus])
    actions.push({ action: "delete", name: metadata.name });
  return { hash, actions, pods: relabelled.pods };
}

const hashOf = ({ metadata }: ControllerRevision | Pod): string | undefined =>
  metadata.labels?.[revisionLabel];

/** Gives the pods that go by another name of a hash the hash itself. */
function relabel(
  pods: readonly Pod[],
  otherNames: ReadonlySet<string | undefined>,
  hash: string,
): { readonly pods: readonly Pod[]; readonly actions: readonly RevisionAction[] } {
  const isOther = (pod: Pod) => hashOf(pod) !== hash && otherNames.has(hashOf(pod));
  return {
    pods: pods.map((pod) =>
      isOther(pod)
        ? { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, [revisionLabel]: hash } } }
        : pod,
    ),
    actions: pods.filter(isOther).map(({ metadata }) => ({ action: "relabel", pod: metadata.name, hash })),
  };
}

function newRevision(
  daemonSet: DaemonSet,
  { data, hash, revision }: { readonly data: object; readonly hash: string; readonly revision: number },
): Draft<ControllerRevision> {
  const { name, namespace, annotations = {} } = daemonSet.metadata;
  const { "kubectl.kubernetes.io/last-applied-configuration": _, ...kept } = annotations;
  return {
    metadata: {
      name: `${name}-${hash}`,
      namespace: namespace ?? "",
      labels: { ...daemonSet.spec.template.metadata?.labels, [revisionLabel]: hash },
      annotations: kept,
      ownerReferences: [controllerReference(daemonSet)],
    },
    data,
    revision,
  };
}
