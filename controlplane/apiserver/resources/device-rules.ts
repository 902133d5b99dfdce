import {
  dns1123Subdomain,
  labelValue,
  qualifiedName,
  type Rule,
  regexRule,
} from "../../../client/rules/names.ts";
import type { FieldError } from "../registry/kind.ts";
import { csiDriverName } from "./csi-names.ts";
import { duplicate, invalid, notSupported, required, tooLong, tooMany } from "./field-errors.ts";

/** Rules that claims for devices, their classes and the slices that offer them share. Texts: k8s.io/kubernetes
 *  pkg/apis/resource/validation. Pure. */

export const requestsMax = 32;
export const configMax = 32;
const poolBytesMax = 253;
const parametersBytesMax = 10 * 1024;
const identifierBytesMax = 32;
const bindingConditionsMax = 4;

type Judge<T> = (item: T, field: string) => readonly FieldError[];

/** Each item by its rule; too long a list is not looked at. */
export function listProblems<T>(
  list: readonly T[] | undefined,
  { max, field, judge }: { readonly max: number; readonly field: string; readonly judge: Judge<T> },
): readonly FieldError[] {
  if (list === undefined) return [];
  if (list.length > max) return [tooMany(field, list.length, max)];
  return list.flatMap((item, index) => judge(item, `${field}[${index}]`));
}

/** The same, and nothing twice. */
export function setProblems<T>(
  list: readonly T[] | undefined,
  rules: {
    readonly max: number;
    readonly field: string;
    readonly judge: Judge<T>;
    readonly keyOf: (item: T) => unknown;
  },
): readonly FieldError[] {
  const problems = listProblems(list, rules);
  if (list === undefined || list.length > rules.max) return problems;
  const keys = list.map((item) => JSON.stringify(rules.keyOf(item)));
  const twice = list.flatMap((item, index) =>
    keys.indexOf(keys[index] ?? "") < index ? [duplicate(`${rules.field}[${index}]`, rules.keyOf(item))] : [],
  );
  return [...problems, ...twice];
}

export const named = (rule: Rule, value: string, field: string): readonly FieldError[] =>
  rule(value).map((text) => invalid(field, value, text));

export function poolProblems(name: string | undefined, field: string): readonly FieldError[] {
  if (!name) return [required(field)];
  return [
    ...(Buffer.byteLength(name) > poolBytesMax ? [tooLong(field, poolBytesMax)] : []),
    ...name.split("/").flatMap((part) => named(dns1123Subdomain, part, field)),
  ];
}

interface Configuration {
  readonly opaque?: { readonly driver?: string; readonly parameters?: unknown };
}

export function configurationProblems({ opaque }: Configuration, field: string): readonly FieldError[] {
  if (opaque === undefined) return [required(`${field}.opaque`)];
  return [
    ...csiDriverName(opaque.driver, `${field}.opaque.driver`),
    ...jsonProblems(opaque.parameters, `${field}.opaque.parameters`, parametersBytesMax),
  ];
}

/** Something that only its reader understands, as long as it is an object. */
export function jsonProblems(value: unknown, field: string, bytesMax: number): readonly FieldError[] {
  if (value === undefined || value === null) return [required(field)];
  if (Buffer.byteLength(JSON.stringify(value)) > bytesMax) return [tooLong(field, bytesMax)];
  return typeof value === "object" && !Array.isArray(value)
    ? []
    : [invalid(field, "<value omitted>", "must be a valid JSON object")];
}

const effects = ["NoExecute", "NoSchedule", "None"];
interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

export function tolerationProblems(toleration: Toleration, field: string): readonly FieldError[] {
  const { key = "", operator = "", value = "", effect = "" } = toleration;
  const problems: FieldError[] = key === "" ? [] : [...named(qualifiedName, key, `${field}.key`)];
  if (operator === "Exists") {
    if (value !== "") problems.push(invalid(`${field}.value`, value, "must be empty for operator `Exists`"));
  } else if (operator === "Equal") problems.push(...named(labelValue, value, `${field}.value`));
  else if (operator === "") problems.push(required(`${field}.operator`));
  else problems.push(notSupported(`${field}.operator`, operator, ["Equal", "Exists"]));
  if (effect !== "" && !effects.includes(effect))
    problems.push(notSupported(`${field}.effect`, effect, effects));
  return problems;
}

interface Taint {
  readonly key?: string;
  readonly value?: string;
  readonly effect?: string;
}

export function taintProblems({ key = "", value = "", effect = "" }: Taint, field: string) {
  const problems: FieldError[] = [...named(qualifiedName, key, `${field}.key`)];
  if (value !== "") problems.push(...named(labelValue, value, `${field}.value`));
  if (effect === "") problems.push(required(`${field}.effect`));
  else if (!effects.includes(effect)) problems.push(notSupported(`${field}.effect`, effect, effects));
  return problems;
}

const identifier = "[A-Za-z_][A-Za-z0-9_]*";
const identifierText = regexRule(
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
  identifier,
  "my_name",
  "MY_NAME",
  "MyName",
);

/** The name of an attribute or capacity: `[domain/]name`. */
export function deviceNameProblems(name: string, field: string): readonly FieldError[] {
  const [first = "", second, ...more] = name.split("/");
  // Kubernetes lets names of three parts pass.
  if (more.length > 0) return [];
  if (second === undefined) return identifierProblems(first, field);
  return [
    ...(first === "" ? [invalid(field, "", "the domain must not be empty")] : csiDriverName(first, field)),
    ...(second === ""
      ? [invalid(field, "", "the name must not be empty")]
      : identifierProblems(second, field)),
  ];
}

export function fullNameProblems(name: string, field: string): readonly FieldError[] {
  const text = "a fully qualified name must be a domain and a name separated by a slash";
  return [...deviceNameProblems(name, field), ...(name.includes("/") ? [] : [invalid(field, name, text)])];
}

function identifierProblems(name: string, field: string): readonly FieldError[] {
  return [
    ...(Buffer.byteLength(name) > identifierBytesMax ? [tooLong(field, identifierBytesMax)] : []),
    ...(new RegExp(`^${identifier}$`).test(name) ? [] : [invalid(field, name, identifierText)]),
  ];
}

interface Bindings {
  readonly bindingConditions?: readonly string[];
  readonly bindingFailureConditions?: readonly string[];
}

export function bindingProblems(
  { bindingConditions: wanted = [], bindingFailureConditions: failed = [] }: Bindings,
  field: string,
): readonly FieldError[] {
  const [at, failedAt] = [`${field}.bindingConditions`, `${field}.bindingFailureConditions`];
  const judge = (name: string, where: string) => named(qualifiedName, name, where);
  const twice = (all: readonly string[], where: string) =>
    all.flatMap((name, index) => (all.indexOf(name) < index ? [duplicate(`${where}[${index}]`, name)] : []));
  const problems: FieldError[] = [
    ...listProblems(wanted, { max: bindingConditionsMax, field: at, judge }),
    ...listProblems(failed, { max: bindingConditionsMax, field: failedAt, judge }),
    ...twice(wanted, at),
    ...twice(failed, failedAt),
    ...failed.flatMap((name, index) =>
      wanted.includes(name)
        ? [
            invalid(
              `${failedAt}[${index}]`,
              name,
              "bindingFailureConditions must not overlap with bindingConditions",
            ),
          ]
        : [],
    ),
  ];
  if (wanted.length === 0 && failed.length > 0)
    problems.push(invalid(at, null, "bindingConditions are required to use bindingFailureConditions"));
  if (failed.length === 0 && wanted.length > 0)
    problems.push(invalid(failedAt, null, "bindingFailureConditions are required to use bindingConditions"));
  return problems;
}
