import { type CustomServed, customServed } from "./custom-definitions.ts";
import { modelOf } from "./definition-names.ts";
import { kindOperations } from "./kind-operations.ts";
import type { Operation, ServedAs } from "./operation.ts";
import type { Parameters } from "./parameters.ts";
import { rootOperations } from "./root-operations.ts";
import { bindingOperation, subresourceOperations } from "./subresource-operations.ts";

/** All that is served, by the paths under which v3 has its documents. */
export interface Catalogue {
  /** `api/v1`, `apis/apps`, `version`, … of what is built in. */
  readonly builtIn: ReadonlyMap<string, readonly ServedAs[]>;
  /** `apis/example.com/v1`, … */
  readonly custom: ReadonlyMap<string, readonly CustomServed[]>;
  /** Whether there is an issuer of tokens that others may ask. */
  readonly issues: boolean;
}

export function catalogueOf(all: readonly ServedAs[], issues: boolean): Catalogue {
  // What no model tells of is told of by discovery alone: lines of logs are found by a search, and are no objects.
  const served = all.filter(
    (one) => one.schema?.openApi !== undefined || modelOf(one, one.kind.kind) !== undefined,
  );
  const builtIn = new Map<string, readonly ServedAs[]>();
  for (const path of rootOperations(groupsOf(served), issues).keys()) builtIn.set(path, []);
  const custom = new Map<string, readonly CustomServed[]>();
  for (const one of served)
    if (one.schema?.openApi === undefined)
      builtIn.set(pathOf(one), [...(builtIn.get(pathOf(one)) ?? []), one]);
  for (const one of customServed(served)) custom.set(pathOf(one), [...(custom.get(pathOf(one)) ?? []), one]);
  return { builtIn, custom, issues };
}

function groupsOf(served: readonly ServedAs[]): ReadonlyMap<string, readonly string[]> {
  const out = new Map<string, string[]>();
  for (const { group, version, schema } of served) {
    if (schema?.openApi !== undefined) continue;
    const versions = out.get(group) ?? [];
    if (!versions.includes(version)) versions.push(version);
    out.set(group, versions);
  }
  return out;
}

const pathOf = ({ group, version }: ServedAs) =>
  group === "" ? `api/${version}` : `apis/${group}/${version}`;

/** The operations of what is built in, all or those of one document. */
export function builtInOperations(
  { builtIn, issues }: Catalogue,
  parameters: Parameters,
  path?: string,
): readonly Operation[] {
  const roots = rootOperations(groupsOf([...builtIn.values()].flat()), issues);
  return [...builtIn]
    .filter(([one]) => path === undefined || one === path)
    .flatMap(([one, served]) => {
      const root = roots.get(one);
      return [...(root ? [root] : []), ...served.flatMap((kind) => operationsOf(kind, parameters))];
    });
}

function operationsOf(served: ServedAs, parameters: Parameters): readonly Operation[] {
  const binds = served.kind.subresources.special?.includes("binding") === true;
  return [
    ...kindOperations(served, parameters),
    ...subresourceOperations(served, parameters),
    ...(binds ? [bindingOperation(served, parameters)] : []),
  ];
}
