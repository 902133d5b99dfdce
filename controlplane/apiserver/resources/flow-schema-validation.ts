import { dns1123Label, dns1123Subdomain, type Rule } from "../../../client/rules/names.ts";
import type {
  FlowNonResourceRule,
  FlowResourceRule,
  FlowRule,
  FlowSchema,
  FlowSubject,
} from "../../../client/types.ts";
import { goFlowSchema } from "../flowcontrol/go-forms.ts";
import { mandatory, suggestedSchemas } from "../flowcontrol/suggested-objects.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { duplicate, forbidden, invalid, notSupported, required } from "./field-errors.ts";

/** Kubernetes' rules for flow schemas (pkg/apis/flowcontrol/validation). Pure. */

const precedenceMax = 10_000;
const methods = ["ByNamespace", "ByUser"];
const subjectKinds = ["Group", "ServiceAccount", "User"];
const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

export function validateFlowSchema({ metadata, spec, status }: FlowSchema): readonly FieldError[] {
  const fixed = mandatory(suggestedSchemas, metadata.name);
  return [
    ...validateSpec(metadata.name, spec),
    ...(fixed === undefined || sameValue(spec, fixed.spec)
      ? []
      : [invalid("spec", goFlowSchema(spec), `spec of '${metadata.name}' must equal the fixed value`)]),
    ...validateFlowConditions(status?.conditions),
  ];
}

interface TypedCondition {
  readonly type?: string;
}

export function validateFlowConditions(
  conditions: readonly TypedCondition[] | null | undefined,
): readonly FieldError[] {
  return (conditions ?? []).flatMap(({ type = "" }, index, all) => {
    const field = `status.conditions[${index}].type`;
    return [
      ...(all.findIndex((one) => (one.type ?? "") === type) < index ? [duplicate(field, type)] : []),
      ...(type === "" ? [required(field)] : []),
    ];
  });
}

function validateSpec(name: string, spec: FlowSchema["spec"]): readonly FieldError[] {
  const { matchingPrecedence: precedence = 0, distinguisherMethod, priorityLevelConfiguration, rules } = spec;
  const problems: FieldError[] = [];
  const refuse = (why: string) => problems.push(invalid("spec.matchingPrecedence", precedence, why));
  if (precedence <= 0) refuse("must be a positive value");
  if (precedence > precedenceMax) refuse(`must not be greater than ${precedenceMax}`);
  if (precedence === 1 && name !== "exempt")
    refuse("only the schema named 'exempt' may have matchingPrecedence 1");
  if (distinguisherMethod !== undefined && !methods.includes(distinguisherMethod.type ?? "")) {
    // Kubernetes shows the whole method as Go has it.
    const shown = { Type: distinguisherMethod.type ?? "" };
    problems.push(notSupported("spec.distinguisherMethod.type", shown, methods));
  }
  const level = priorityLevelConfiguration?.name ?? "";
  const levelField = "spec.priorityLevelConfiguration.name";
  if (level === "") problems.push(required(levelField, "must reference a priority level"));
  else problems.push(...broken(levelField, level, dns1123Subdomain));
  return [...problems, ...(rules ?? []).flatMap((rule, index) => validateRule(rule, `spec.rules[${index}]`))];
}

function validateRule(rule: FlowRule, field: string): readonly FieldError[] {
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rule;
  const problems: FieldError[] = [];
  if (subjects.length === 0)
    problems.push(required(`${field}.subjects`, "subjects must contain at least one value"));
  problems.push(...subjects.flatMap((one, index) => validateSubject(one, `${field}.subjects[${index}]`)));
  if (resourceRules.length + nonResourceRules.length === 0)
    problems.push(required(field, "at least one of resourceRules and nonResourceRules has to be non-empty"));
  return [
    ...problems,
    ...resourceRules.flatMap((one, index) => validateResourceRule(one, `${field}.resourceRules[${index}]`)),
    ...nonResourceRules.flatMap((one, index) =>
      validateNonResourceRule(one, `${field}.nonResourceRules[${index}]`),
    ),
  ];
}

function validateSubject(subject: FlowSubject, field: string): readonly FieldError[] {
  const { kind, serviceAccount, user, group } = subject;
  const rows = [
    { of: "ServiceAccount", name: "serviceAccount", value: serviceAccount },
    { of: "User", name: "user", value: user },
    { of: "Group", name: "group", value: group },
  ];
  const own = rows.find(({ of }) => of === kind);
  if (own === undefined) return [notSupported(`${field}.kind`, kind ?? "", subjectKinds)];
  const strangers = rows.filter((row) => row !== own && row.value !== undefined);
  return [
    ...(own.value === undefined
      ? [required(`${field}.${own.name}`, `${own.name} is required when subject kind is '${own.of}'`)]
      : own.of === "ServiceAccount"
        ? validateAccount(serviceAccount ?? {}, `${field}.serviceAccount`)
        : own.value.name
          ? []
          : [required(`${field}.${own.name}.name`)]),
    ...strangers.map(({ name, of }) =>
      forbidden(`${field}.${name}`, `${name} is forbidden when subject kind is not '${of}'`),
    ),
  ];
}

function validateAccount(
  { name = "", namespace = "" }: { readonly name?: string; readonly namespace?: string },
  field: string,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (name === "") problems.push(required(`${field}.name`));
  else if (name !== "*") problems.push(...broken(`${field}.name`, name, dns1123Subdomain));
  if (namespace === "")
    problems.push(required(`${field}.namespace`, "must specify namespace for service account"));
  else problems.push(...broken(`${field}.namespace`, namespace, dns1123Label));
  return problems;
}

function validateNonResourceRule(rule: FlowNonResourceRule, field: string): readonly FieldError[] {
  const urls = rule.nonResourceURLs ?? [];
  const urlsField = `${field}.nonResourceURLs`;
  return [
    ...validateVerbs(rule.verbs ?? [], `${field}.verbs`),
    ...(urls.length === 0
      ? [required(urlsField, "nonResourceURLs must contain at least one value")]
      : urls.includes("*")
        ? urls.length > 1
          ? [invalid(urlsField, urls, "if '*' is present, must not specify other non-resource URLs")]
          : []
        : urls.flatMap((url, index) => validateUrl(url, `${urlsField}[${index}]`))),
  ];
}

/** The first thing that is wrong with a path. */
function validateUrl(url: string, field: string): readonly FieldError[] {
  const refused = (why: string) => [invalid(field, url, why)];
  if (url === "") return refused("must not be empty");
  if (url === "/") return [];
  if (!url.startsWith("/")) return refused("must start with slash");
  if (url.includes(" ")) return refused("must not contain white-space");
  if (url.includes("//")) return refused("must not contain double slash");
  const wildcards = url.split("*").length - 1;
  if (wildcards > 1 || (wildcards === 1 && !url.endsWith("/*")))
    return refused("wildcard can only do suffix matching");
  return [];
}

function validateResourceRule(rule: FlowResourceRule, field: string): readonly FieldError[] {
  const { apiGroups = [], resources = [], clusterScope = false } = rule;
  // Absent means none, as an empty list does.
  const namespaces = rule.namespaces ?? [];
  const problems = [...validateVerbs(rule.verbs ?? [], `${field}.verbs`)];
  const oneOrMore = (name: string, all: readonly string[], one: string, other: string) => {
    if (all.length === 0)
      problems.push(required(`${field}.${name}`, `resource rules must supply at least one ${one}`));
    else if (all.length > 1 && all.includes("*"))
      problems.push(invalid(`${field}.${name}`, all, `if '*' is present, must not specify other ${other}`));
  };
  oneOrMore("apiGroups", apiGroups, "api group", "api groups");
  oneOrMore("resources", resources, "resource", "resources");
  const place = `${field}.namespaces`;
  if (namespaces.length === 0 && !clusterScope)
    problems.push(
      required(place, "resource rules that are not cluster scoped must supply at least one namespace"),
    );
  else if (namespaces.includes("*")) {
    if (namespaces.length > 1)
      problems.push(invalid(place, namespaces, "if '*' is present, must not specify other namespaces"));
  } else
    problems.push(
      ...namespaces.flatMap((one, index) =>
        dns1123Label(one).map((text) =>
          invalid(
            `${place}[${index}]`,
            one,
            `each member of this list must be '*' or a DNS-1123 label; ${text}`,
          ),
        ),
      ),
    );
  return problems;
}

function validateVerbs(given: readonly string[], field: string): readonly FieldError[] {
  if (given.length === 0) return [required(field, "verbs must contain at least one value")];
  if (given.includes("*"))
    return given.length > 1 ? [invalid(field, given, "if '*' is present, must not specify other verbs")] : [];
  return given.every((one) => verbs.includes(one)) ? [] : [notSupported(field, given, verbs)];
}

function broken(field: string, value: string, rule: Rule): readonly FieldError[] {
  return rule(value).map((text) => invalid(field, value, text));
}
