import type { Namespace } from "../../../client/types.ts";
import { withCondition } from "../conditions.ts";
import { canonicalJson } from "../template-hash.ts";
import { timeText } from "../times.ts";

/** What was found when the content was removed. */
export interface Findings {
  /** Discovery failed for these group versions. */
  readonly undiscovered: readonly string[];
  /** Deleting or listing failed, in words. */
  readonly failures: readonly string[];
  /** Objects left, by `plural.group`. */
  readonly remaining: ReadonlyMap<string, number>;
  /** Finalizers that hold them, by name. */
  readonly finalizers: ReadonlyMap<string, number>;
}

export interface NamespacePlan {
  /** The conditions to write; undefined when they stand already. */
  readonly conditions: readonly NamespaceCondition[] | undefined;
  /** Nothing is left: the namespace may go. */
  readonly finalize: boolean;
}
type NamespaceCondition = NonNullable<NonNullable<Namespace["status"]>["conditions"]>[number];

/** Pure. */
export function planNamespace(namespace: Namespace, findings: Findings, nowMs: number): NamespacePlan {
  const { undiscovered, failures, remaining, finalizers } = findings;
  if (undiscovered.length + failures.length + remaining.size === 0)
    return { conditions: undefined, finalize: true };
  const row = (
    type: string,
    problem: readonly [string, string] | undefined,
    fine: readonly [string, string],
  ) => ({
    type,
    status: problem === undefined ? "False" : "True",
    reason: (problem ?? fine)[0],
    message: (problem ?? fine)[1],
    lastTransitionTime: timeText(nowMs),
  });
  const rows: NamespaceCondition[] = [
    row(
      "NamespaceDeletionDiscoveryFailure",
      undiscovered.length > 0
        ? [
            "DiscoveryFailed",
            `Discovery failed for some groups, ${undiscovered.length} failing: ${undiscovered.join(", ")}`,
          ]
        : undefined,
      ["ResourcesDiscovered", "All resources successfully discovered"],
    ),
    row("NamespaceDeletionGroupVersionParsingFailure", undefined, [
      "ParsedGroupVersions",
      "All legacy kube types successfully parsed",
    ]),
    row(
      "NamespaceDeletionContentFailure",
      failures.length > 0
        ? [
            "ContentDeletionFailed",
            `Failed to delete all resource types, ${failures.length} remaining: ${failures.join(", ")}`,
          ]
        : undefined,
      ["ContentDeleted", "All content successfully deleted, may be waiting on finalization"],
    ),
    row(
      "NamespaceContentRemaining",
      remaining.size > 0
        ? [
            "SomeResourcesRemain",
            `Some resources are remaining: ${counted(remaining, (name, n) => `${name} has ${n} resource instances`)}`,
          ]
        : undefined,
      ["ContentRemoved", "All content successfully removed"],
    ),
    row(
      "NamespaceFinalizersRemaining",
      finalizers.size > 0
        ? [
            "SomeFinalizersRemain",
            `Some content in the namespace has finalizers remaining: ${counted(finalizers, (name, n) => `${name} in ${n} resource instances`)}`,
          ]
        : undefined,
      ["ContentHasNoFinalizers", "All content-preserving finalizers finished"],
    ),
  ];
  const before = namespace.status?.conditions;
  const conditions = rows.reduce((list, next) => withCondition(list, next), before ?? []);
  return {
    conditions: canonicalJson(conditions) === canonicalJson(before ?? []) ? undefined : conditions,
    finalize: false,
  };
}

function counted(counts: ReadonlyMap<string, number>, say: (name: string, count: number) => string): string {
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => say(name, count))
    .join(", ");
}

/** The order in which a namespace's content goes: pods before what they use. */
export function podsFirst<T extends { readonly group: string; readonly plural: string }>(
  served: readonly T[],
): readonly T[] {
  const isPods = ({ group, plural }: T) => group === "" && plural === "pods";
  return [...served.filter(isPods), ...served.filter((one) => !isPods(one))];
}
