import { type SchemaDocs, schema, typeOf } from "../schema/load.ts";
import { modelNamed } from "./definition-names.ts";
import type { Dialect } from "./dialect.ts";
import { optionVersions } from "./option-versions.ts";
import { specialDefinition } from "./special-definitions.ts";
import { referred, typeDefinition } from "./type-definition.ts";

export interface DefinitionContext {
  readonly dialect: Dialect;
  readonly docs: SchemaDocs;
  /** The groups and versions under which options and the events of watches are known; absent: under all. */
  readonly optionsOf?: readonly GroupVersion[];
}

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/** The definitions of `roots` and all they reach, by name in order. Names that nothing built in has are left out. */
export function definitions(roots: Iterable<string>, context: DefinitionContext): Record<string, object> {
  const { dialect, docs } = context;
  const gvks = gvksByModel();
  const seen = new Set<string>();
  const out: [string, object][] = [];
  const queue = [...roots];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const special = specialDefinition(name, dialect);
    if (special !== undefined) {
      const of = name.endsWith(".WatchEvent") && {
        "x-kubernetes-group-version-kind": optionGvks("WatchEvent", context),
      };
      out.push([name, { ...special.definition, ...of }]);
      queue.push(...special.refers);
      continue;
    }
    const model = modelNamed(name);
    const type = model === undefined ? undefined : typeOf(model);
    if (model === undefined || type === undefined) continue;
    const isOptions = name.endsWith(".DeleteOptions");
    const known = isOptions ? optionGvks("DeleteOptions", context) : (gvks.get(model) ?? []);
    out.push([name, typeDefinition(model, type, { dialect, docs, gvks: known })]);
    queue.push(...referred(type));
  }
  return Object.fromEntries(out.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function optionGvks(kind: string, { optionsOf = optionVersions }: DefinitionContext): readonly object[] {
  return optionsOf.map(({ group, version }) => ({ group, kind, version }));
}

/** Which kinds a model is, as the extension on its definition. */
function gvksByModel(): ReadonlyMap<string, readonly object[]> {
  const out = new Map<string, object[]>();
  for (const [name, model] of Object.entries(schema().kinds)) {
    const parts = name.split("/");
    const kind = parts.at(-1) ?? "";
    const [group, version] = parts.length === 3 ? [parts[0] ?? "", parts[1] ?? ""] : ["", parts[0] ?? ""];
    const gvk = { group, kind, version: version === "*" ? "v1" : version };
    out.set(model, [...(out.get(model) ?? []), gvk]);
  }
  return out;
}
