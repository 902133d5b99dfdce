import { type Kinds, type ServedKind, supports } from "../../registry/kind-table.ts";
import type { ResourceMapping } from "./rule.ts";

/** Which resources a series' labels name, and which label names a resource. Kinds may come and go. Pure. */

/** The kind that a rule or a request means by a group and a resource, in the singular or the plural: of exactly this group, of one
 *  that begins so, or of any where none is said. */
export function kindNamed(kinds: Kinds, group: string, resource: string): ServedKind | undefined {
  const found = kinds.served.filter(
    ({ kind, plural }) =>
      (plural === resource || kind.singular === resource) &&
      supports(kind, "list") &&
      kind.isReported !== true,
  );
  if (group === "") return found.find((one) => one.group === "") ?? found[0];
  return found.find((one) => one.group === group) ?? found.find((one) => one.group.startsWith(group));
}

export interface NamedResource {
  readonly label: string;
  readonly kind: ServedKind;
}

/** Those that a series with these labels is about. */
export function resourcesOf(
  { template, overrides }: ResourceMapping,
  labels: Iterable<string>,
  kinds: Kinds,
): readonly NamedResource[] {
  return [...labels].flatMap((label) => {
    const meant = overrides.get(label) ?? template?.read(label);
    const kind = meant && kindNamed(kinds, meant.group, meant.resource);
    return kind === undefined ? [] : [{ label, kind }];
  });
}

/** The label that names the resource; undefined where the rule has none. */
export function labelFor(
  { template, overrides }: ResourceMapping,
  { kind, group, plural }: Pick<ServedKind, "kind" | "group" | "plural">,
  kinds: Kinds,
): string | undefined {
  for (const [label, meant] of overrides) {
    const found = kindNamed(kinds, meant.group, meant.resource);
    if (found?.group === group && found.plural === plural) return label;
  }
  return template?.labelOf(group.replaceAll(/[.-]/g, "_"), kind.singular);
}
