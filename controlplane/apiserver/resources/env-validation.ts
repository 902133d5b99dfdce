import { configKey, dns1123Subdomain, envName, type Rule } from "../../../client/rules/names.ts";
import type { Container } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { environmentPaths, validateFieldRef, validateResourceFieldRef } from "./downward-validation.ts";
import { invalid, required } from "./field-errors.ts";
import { validateFileKey } from "./file-key-validation.ts";
import type { VolumesByName } from "./mount-validation.ts";

type EnvVar = NonNullable<Container["env"]>[number];

const sources = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"] as const;

export function validateEnv(
  env: Container["env"],
  field: string,
  volumes: VolumesByName,
): readonly FieldError[] {
  return (env ?? []).flatMap((one, index) => {
    const at = `${field}[${index}]`;
    return [...named(one.name, `${at}.name`, envName), ...validateValueFrom(one, `${at}.valueFrom`, volumes)];
  });
}

export function validateEnvFrom(from: Container["envFrom"], field: string): readonly FieldError[] {
  return (from ?? []).flatMap(({ prefix = "", configMapRef, secretRef }, index) => {
    const at = `${field}[${index}]`;
    const problems: FieldError[] =
      prefix === "" ? [] : envName(prefix).map((text) => invalid(`${at}.prefix`, prefix, text));
    // The name that a generator would still complete may end with a dash.
    const named = (ref: { readonly name?: string } | undefined, place: string) =>
      ref === undefined ? [] : nameProblems(ref.name?.replace(/-$/, "a"), place, ref.name);
    problems.push(...named(configMapRef, `${at}.configMapRef.name`));
    problems.push(...named(secretRef, `${at}.secretRef.name`));
    // Kubernetes names the list here, not the element.
    if (configMapRef === undefined && secretRef === undefined)
      problems.push(invalid(field, "", "must specify one of: `configMapRef` or `secretRef`"));
    if (configMapRef !== undefined && secretRef !== undefined)
      problems.push(invalid(field, "", "may not have more than one field specified at a time"));
    return problems;
  });
}

function nameProblems(checked: string | undefined, field: string, said: string | undefined) {
  if (!said) return [required(field)];
  return dns1123Subdomain(checked ?? "").map((text) => invalid(field, said, text));
}

function named(value: string | undefined, field: string, rule: Rule): readonly FieldError[] {
  return value ? rule(value).map((text) => invalid(field, value, text)) : [required(field)];
}

function validateValueFrom(
  { value, valueFrom: from }: EnvVar,
  field: string,
  volumes: VolumesByName,
): readonly FieldError[] {
  if (from === undefined) return [];
  const given = sources.filter((source) => from[source] !== undefined);
  const problems: FieldError[] = [];
  if (from.fieldRef !== undefined)
    problems.push(...validateFieldRef(from.fieldRef, `${field}.fieldRef`, environmentPaths));
  if (from.resourceFieldRef !== undefined)
    problems.push(
      ...validateResourceFieldRef(from.resourceFieldRef, `${field}.resourceFieldRef`, { named: false }),
    );
  for (const source of ["configMapKeyRef", "secretKeyRef"] as const) {
    const ref = from[source];
    if (ref === undefined) continue;
    const { name = "", key } = ref;
    problems.push(...dns1123Subdomain(name).map((text) => invalid(`${field}.${source}.name`, name, text)));
    problems.push(...named(key, `${field}.${source}.key`, configKey));
  }
  if (from.fileKeyRef !== undefined)
    problems.push(...validateFileKey(from.fileKeyRef, `${field}.fileKeyRef`, volumes));
  const list = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
  if (given.length === 0) problems.push(invalid(field, "", `must specify one of: ${list}`));
  else if (value) problems.push(invalid(field, "", "may not be specified when `value` is not empty"));
  else if (given.length > 1)
    problems.push(invalid(field, "", "may not have more than one field specified at a time"));
  return problems;
}
