import { sameValue } from "../schema/same-value.ts";
import type { DefinitionSpec } from "./definition.ts";
import { type ShownVersion, shownVersion } from "./go-shown.ts";
import type { JsonSchema } from "./json-schema.ts";

/** A definition's versions as Kubernetes keeps them inside: what all of them have alike stands once, above them, and problems
 *  in it are told there. */
export interface InnerForm {
  readonly schema: InnerSchema | undefined;
  readonly subresources: ShownVersion["subresources"];
  readonly additionalPrinterColumns: ShownVersion["additionalPrinterColumns"];
  readonly selectableFields: ShownVersion["selectableFields"];
  readonly versions: readonly ShownVersion[];
}

type InnerSchema = { readonly openAPIV3Schema?: JsonSchema };

const shared = ["schema", "subresources", "additionalPrinterColumns", "selectableFields"] as const;

export function innerForm({ versions }: DefinitionSpec): InnerForm {
  const above: Record<string, unknown> = {};
  let inner: readonly ShownVersion[] = versions ?? [];
  const [first] = inner;
  for (const field of first === undefined ? [] : shared) {
    const value = first?.[field];
    if (!inner.every((version) => sameValue(version[field] ?? null, value ?? null))) continue;
    above[field] = value;
    inner = inner.map(({ [field]: _, ...rest }) => rest as ShownVersion);
  }
  return {
    schema: undefined,
    subresources: undefined,
    additionalPrinterColumns: undefined,
    selectableFields: undefined,
    ...above,
    versions: inner,
  };
}

export const shownVersions = (versions: readonly ShownVersion[]): unknown => versions.map(shownVersion);

/** The root schemas, version by version. */
export function schemasOf({ versions }: DefinitionSpec): readonly JsonSchema[] {
  return (versions ?? []).flatMap(({ schema }) =>
    schema?.openAPIV3Schema === undefined ? [] : [schema.openAPIV3Schema],
  );
}
