import type { PolicyRule } from "../../../../client/types.ts";

/** A role as the tables beside this file give it. */
export interface DefaultRole {
  /** Empty for a ClusterRole. */
  readonly namespace: string;
  readonly name: string;
  /** `view`: it gathers the rules of the roles that are for `view`. */
  readonly gathers?: string;
  /** What gather its rules. */
  readonly partOf?: readonly string[];
  readonly rules: readonly PolicyRule[];
}

const words: Readonly<Record<string, readonly string[]>> = {
  read: ["get", "list", "watch"],
  write: ["create", "delete", "deletecollection", "patch", "update"],
};

/** Reads a table of roles. Pure. A role begins at the margin: `[namespace/]name [gathers WHAT] [for WHAT,…]`; its rules
 *  stand below it, indented by two: `verbs groups resources [names]` or `verbs url paths`, each a list with commas; deeper
 *  indented is what a long list goes on with. `core` is the group without a name. */
export function rolesFromText(text: string): readonly DefaultRole[] {
  const roles: { head: string; rules: PolicyRule[] }[] = [];
  const lines = text.replaceAll(/,\n +/g, ",").split("\n");
  for (const line of lines.filter((one) => one !== "")) {
    if (line.startsWith("  ")) roles.at(-1)?.rules.push(ruleOf(line.trim()));
    else roles.push({ head: line, rules: [] });
  }
  return roles.map(({ head, rules }) => ({ ...headOf(head), rules }));
}

function headOf(head: string): Omit<DefaultRole, "rules"> {
  const match = /^(?:(\S+)\/)?(\S+?)(?: gathers (\S+))?(?: for (\S+))?$/.exec(head);
  if (match === null) throw new Error(`not the head of a role: ${head}`);
  const [, namespace = "", name = "", gathers, partOf] = match;
  return { namespace, name, ...(gathers && { gathers }), ...(partOf && { partOf: partOf.split(",") }) };
}

function ruleOf(line: string): PolicyRule {
  const [verbList = "", groups = "", list = "", names] = line.split(" ");
  // As Kubernetes' tables give them, so that a role that is there already is found to be the same.
  const verbs = verbList
    .split(",")
    .flatMap((one) => words[one] ?? one)
    .sort();
  if (groups === "url") return { verbs, nonResourceURLs: list.split(",") };
  return {
    verbs,
    apiGroups: groups.split(",").map((one) => (one === "core" ? "" : one)),
    resources: list.split(","),
    ...(names && { resourceNames: names.split(",") }),
  };
}
