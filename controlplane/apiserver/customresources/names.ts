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

/** Names that definitions of one group hold. */
export interface Taken {
  hasResource(name: string): boolean;
  hasKind(name: string): boolean;
}

const nothingYet: DefinitionNames = { plural: "", kind: "" };

/** It did not get all the names that it wants. */
export function wantsMore({ spec, status }: Definition): boolean {
  return !sameValue(spec.names, status?.acceptedNames ?? nothingYet);
}

/** Undefined: nothing to say anew. */
export function judgeNames(definition: Definition, taken: Taken): NamesVerdict | undefined {
  const { spec, status } = definition;
  const accepted: DefinitionNames = status?.acceptedNames ?? nothingYet;
  const wanted = spec.names;
  if (!wantsMore(definition) && conditionOf(definition, "NamesAccepted") !== undefined) return undefined;
  const next: DefinitionNames = { ...accepted };
  const conflicts: [reason: string, message: string][] = [];
  const ofResources = (name: string) => taken.hasResource(name);
  const ofKinds = (name: string) => taken.hasKind(name);
  const take = (
    field: "plural" | "singular" | "kind" | "listKind",
    reason: string,
    isUsed: (name: string) => boolean,
  ) => {
    const name = wanted[field] ?? "";
    if (name === (accepted[field] ?? "") || !isUsed(name)) next[field] = name;
    else conflicts.push([reason, inUse(name)]);
  };
  take("plural", "PluralConflict", ofResources);
  take("singular", "SingularConflict", ofResources);
  const own = accepted.shortNames ?? [];
  const lost = (wanted.shortNames ?? []).filter((name) => !own.includes(name) && ofResources(name));
  if (lost.length === 0) setList(next, "shortNames", wanted.shortNames);
  else conflicts.push(["ShortNamesConflict", aggregate(lost.map(inUse))]);
  take("kind", "KindConflict", ofKinds);
  take("listKind", "ListKindConflict", ofKinds);
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
