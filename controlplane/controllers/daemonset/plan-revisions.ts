import type { ControllerRevision, DaemonSet, Draft, Pod } from "../../../client/types.ts";
import { controllerReference } from "../owners.ts";
import { revisionData } from "../revision-data.ts";
import { canonicalJson, templateHash } from "../template-hash.ts";
import { revisionLabel } from "./daemon-pod.ts";

export type RevisionAction =
  | { readonly action: "create"; readonly object: Draft<ControllerRevision> }
  /** An old template is in use again. */
  | { readonly action: "renumber"; readonly name: string; readonly revision: number }
  | { readonly action: "delete"; readonly name: string };

/** The history of templates: what to write, and the hash that pods of the current one carry. Pure. */
export function planRevisions(
  daemonSet: DaemonSet,
  history: readonly ControllerRevision[],
  pods: readonly Pod[],
): { readonly hash: string; readonly actions: readonly RevisionAction[] } {
  const data = revisionData(daemonSet.spec.template);
  const key = canonicalJson(data);
  const current = history.find((revision) => canonicalJson(revision.data) === key);
  const newest = Math.max(0, ...history.map(({ revision }) => revision));
  const hash =
    current?.metadata.labels?.[revisionLabel] ??
    templateHash(daemonSet.spec.template, daemonSet.status?.collisionCount);
  const actions: RevisionAction[] = [];
  if (current === undefined)
    actions.push({ action: "create", object: newRevision(daemonSet, { data, hash, revision: newest + 1 }) });
  else if (current.revision < newest)
    actions.push({ action: "renumber", name: current.metadata.name, revision: newest + 1 });
  const live = new Set(pods.map(({ metadata }) => metadata.labels?.[revisionLabel]));
  const unused = history
    .filter((one) => one !== current && !live.has(one.metadata.labels?.[revisionLabel]))
    .sort((a, b) => a.revision - b.revision);
  const surplus = unused.length - (daemonSet.spec.revisionHistoryLimit ?? 10);
  for (const { metadata } of unused.slice(0, Math.max(0, surplus)))
    actions.push({ action: "delete", name: metadata.name });
  return { hash, actions };
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
