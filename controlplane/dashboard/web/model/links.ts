import type { ObjectName } from "../../../../client/why/finding.ts";
import type { Kind } from "../api/discovery.ts";

/** Older names of the same objects, and measures of them. */
const seconds = new Set(["/endpoints", "metrics.k8s.io/pods", "metrics.k8s.io/nodes"]);

/** The kind that a finding means by its name alone: one of Kubernetes' own before others, as analyses are mostly of those. Pure. */
export function kindByName(kinds: readonly Kind[], name: string): Kind | undefined {
  const rank = ({ group, plural }: Kind) =>
    seconds.has(`${group}/${plural}`)
      ? 3
      : group === ""
        ? 0
        : !group.includes(".") || group.endsWith(".k8s.io")
          ? 1
          : 2;
  return kinds.filter(({ kind }) => kind === name).sort((a, b) => rank(a) - rank(b))[0];
}

/** The parts of an object's address; undefined where its kind is not served. Pure. */
export function segmentsOf(
  kinds: readonly Kind[],
  { kind, name, namespace }: ObjectName,
): readonly string[] | undefined {
  const found = kindByName(kinds, kind);
  if (found === undefined || name === "") return undefined;
  return ["k", found.group || "core", found.plural, found.namespaced ? (namespace ?? "default") : "_", name];
}
