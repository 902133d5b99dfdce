import { sameValue } from "../schema/same-value.ts";
import {
  conditionOf,
  type Definition,
  type DefinitionCondition,
  type DefinitionNames,
} from "./definition.ts";

/** What a definition's status should say of its names, next to the other definitions of its group (Kubernetes' naming
 *  controller): names that another one holds are not accepted. Pure. */
export interface NamesVerdict {
  readonly acceptedNames: DefinitionNames;
  readonly conditions: readonly DefinitionCondition[];
}

/** Undefined: nothing to say anew. */
export function judgeNames(definition: Definition, all: readonly Definition[]): NamesVerdict | undefined {
  const { spec, status } = definition;
  const accepted: DefinitionNames = status?.acceptedNames ?? { plural: "", kind: "" };
  const wanted = spec.names;
  if (sameValue(wanted, accepted) && conditionOf(definition, "NamesAccepted") !== undefined) return undefined;
  const taken = takenNames(all.filter((one) => one.spec.group === spec.group));
  const next: DefinitionNames = { ...accepted };
  const conflicts: [reason: string, message: string][] = [];
  const fresh = (name: string, own: string, used: ReadonlySet<string>) => name === own || !used.has(name);
  const take = (
    field: "plural" | "singular" | "kind" | "listKind",
    reason: string,
    used: ReadonlySet<string>,
  ) => {
    const name = wanted[field] ?? "";
    if (fresh(name, accepted[field] ?? "", used)) next[field] = name;
    else conflicts.push([reason, inUse(name)]);
  };
  take("plural", "PluralConflict", taken.resources);
  take("singular", "SingularConflict", taken.resources);
  const own = accepted.shortNames ?? [];
  const lost = (wanted.shortNames ?? []).filter((name) => !own.includes(name) && taken.resources.has(name));
  if (lost.length === 0) setList(next, "shortNames", wanted.shortNames);
  else conflicts.push(["ShortNamesConflict", aggregate(lost.map(inUse))]);
  take("kind", "KindConflict", taken.kinds);
  take("listKind", "ListKindConflict", taken.kinds);
  setList(next, "categories", wanted.categories);
  const conflict = conflicts.at(-1);
  const names: DefinitionCondition =
    conflict === undefined
      ? { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found" }
      : { type: "NamesAccepted", status: "False", reason: conflict[0], message: conflict[1] };
  const established = establishedAfter(conditionOf(definition, "Established"), names.status === "True");
  return { acceptedNames: next, conditions: [names, established] };
}

/** Once established a definition stays so: its objects are there. */
function establishedAfter(before: DefinitionCondition | undefined, accepted: boolean): DefinitionCondition {
  if (before?.status === "True") return before;
  if (accepted)
    return {
      type: "Established",
      status: "True",
      reason: "InitialNamesAccepted",
      message: "the initial names have been accepted",
    };
  return (
    before ?? {
      type: "Established",
      status: "False",
      reason: "NotAccepted",
      message: "not all names are accepted",
    }
  );
}

function takenNames(group: readonly Definition[]): {
  readonly resources: ReadonlySet<string>;
  readonly kinds: ReadonlySet<string>;
} {
  const resources = new Set<string>();
  const kinds = new Set<string>();
  for (const { status } of group) {
    const names = status?.acceptedNames;
    if (names === undefined) continue;
    for (const name of [names.plural, names.singular ?? "", ...(names.shortNames ?? [])]) resources.add(name);
    for (const name of [names.kind, names.listKind ?? ""]) kinds.add(name);
  }
  resources.delete("");
  kinds.delete("");
  return { resources, kinds };
}

function setList(
  names: DefinitionNames,
  field: "shortNames" | "categories",
  list: string[] | undefined,
): void {
  if (list === undefined || list.length === 0) delete names[field];
  else names[field] = list;
}

const inUse = (name: string) => `${JSON.stringify(name)} is already in use`;

function aggregate(messages: readonly string[]): string {
  return messages.length === 1 ? (messages[0] ?? "") : `[${messages.join(", ")}]`;
}
