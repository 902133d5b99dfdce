import type { PolicyRule } from "../../../client/types.ts";
import type { Attributes } from "../filters/authorization.ts";

/** What rules say, as plain words: the slow, obviously right twin of the authorizer. */
export function words(rules: readonly PolicyRule[]): ReadonlySet<string> {
  const said = new Set<string>();
  for (const rule of rules)
    for (const verb of rule.verbs) {
      for (const url of rule.nonResourceURLs ?? []) said.add(`${verb} ${url}`);
      for (const group of rule.apiGroups ?? [])
        for (const resource of rule.resources ?? [])
          for (const name of rule.resourceNames ?? ["any"]) said.add(`${verb} ${group}/${resource} ${name}`);
    }
  return said;
}

export function isSaid(said: ReadonlySet<string>, wanted: Attributes): boolean {
  const either = (value: string) => [value, "*"];
  if ("path" in wanted) {
    const stars = [...wanted.path].map((_, at) => `${wanted.path.slice(0, at)}*`);
    return either(wanted.verb).some((verb) =>
      [wanted.path, `${wanted.path}*`, ...stars].some((path) => said.has(`${verb} ${path}`)),
    );
  }
  const { group, plural, subresource, name } = wanted;
  const resources =
    subresource === "" ? either(plural) : [`${plural}/${subresource}`, "*", `*/${subresource}`];
  return either(wanted.verb).some((verb) =>
    either(group).some((one) =>
      resources.some((resource) =>
        ["any", name].some((named) => said.has(`${verb} ${one}/${resource} ${named}`)),
      ),
    ),
  );
}
