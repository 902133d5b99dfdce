import type { ControllerRevision, Draft, StatefulSet } from "../../../client/types.ts";
import { controllerReference } from "../owners.ts";
import { revisionData } from "../revision-data.ts";
import { canonicalJson, templateHash } from "../template-hash.ts";
import { timeMs } from "../times.ts";

export type NewestRevision =
  | { readonly action: "use"; readonly revision: ControllerRevision }
  /** An old template is in use again. */
  | { readonly action: "renumber"; readonly revision: ControllerRevision; readonly number: number }
  | { readonly action: "create"; readonly object: Draft<ControllerRevision> };

/** The history in order, oldest first. */
export function inOrder(history: readonly ControllerRevision[]): readonly ControllerRevision[] {
  return [...history].sort(
    (a, b) =>
      a.revision - b.revision ||
      timeMs(a.metadata.creationTimestamp) - timeMs(b.metadata.creationTimestamp) ||
      (a.metadata.name < b.metadata.name ? -1 : 1),
  );
}

/** What makes the set's template the newest of its history. Pure. */
export function planNewest(
  set: StatefulSet,
  history: readonly ControllerRevision[],
  collisionCount: number,
): NewestRevision {
  const data = revisionData(set.spec.template);
  const key = canonicalJson(data);
  const sorted = inOrder(history);
  const newest = sorted.at(-1);
  const next = (newest?.revision ?? 0) + 1;
  const same = sorted.filter((one) => canonicalJson(one.data) === key).at(-1);
  if (same === undefined)
    return { action: "create", object: newRevision(set, { data, number: next, collisionCount }) };
  return same === newest
    ? { action: "use", revision: same }
    : { action: "renumber", revision: same, number: next };
}

function newRevision(
  set: StatefulSet,
  what: { readonly data: object; readonly number: number; readonly collisionCount: number },
): Draft<ControllerRevision> {
  const { name, namespace = "", annotations } = set.metadata;
  const hash = templateHash(set.spec.template, what.collisionCount);
  return {
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels: { ...set.spec.template.metadata?.labels, "controller.kubernetes.io/hash": hash },
      ...(annotations !== undefined && { annotations }),
      ownerReferences: [controllerReference(set)],
    },
    data: what.data,
    revision: what.number,
  };
}

/** The revisions beyond the limit that nothing is made of any more, oldest first. A negative limit keeps all. Pure. */
export function surplusRevisions(
  set: StatefulSet,
  history: readonly ControllerRevision[],
  live: ReadonlySet<string>,
): readonly ControllerRevision[] {
  const unused = inOrder(history).filter(({ metadata }) => !live.has(metadata.name));
  const limit = set.spec.revisionHistoryLimit ?? 10;
  return limit < 0 ? [] : unused.slice(0, Math.max(0, unused.length - limit));
}
