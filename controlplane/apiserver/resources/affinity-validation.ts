import { dns1123Label, dns1123Subdomain, labelValue, qualifiedName } from "../../../client/rules/names.ts";
import type { PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { forbidden, invalid, required } from "./field-errors.ts";
import { validateLabelSelector } from "./labels.ts";
import { validateMatchLabelKeys } from "./match-label-keys.ts";

type Affinity = NonNullable<PodSpec["affinity"]>;
type NodeAffinity = NonNullable<Affinity["nodeAffinity"]>;
type NodeSelector = NonNullable<NodeAffinity["requiredDuringSchedulingIgnoredDuringExecution"]>;
type NodeTerm = NodeSelector["nodeSelectorTerms"][number];
type Requirement = NonNullable<NodeTerm["matchExpressions"]>[number];
type PodTerm = NonNullable<
  NonNullable<Affinity["podAffinity"]>["requiredDuringSchedulingIgnoredDuringExecution"]
>[number];

const wanted = "requiredDuringSchedulingIgnoredDuringExecution";
const liked = "preferredDuringSchedulingIgnoredDuringExecution";

export function validateAffinity(affinity: Affinity | undefined, field: string): readonly FieldError[] {
  if (affinity === undefined) return [];
  return [
    ...validateNodeAffinity(affinity.nodeAffinity, `${field}.nodeAffinity`),
    ...(["podAffinity", "podAntiAffinity"] as const).flatMap((kind) => [
      ...(affinity[kind]?.[wanted] ?? []).flatMap((term, index) =>
        validatePodTerm(term, `${field}.${kind}.${wanted}[${index}]`),
      ),
      ...(affinity[kind]?.[liked] ?? []).flatMap(({ weight, podAffinityTerm }, index) => {
        const at = `${field}.${kind}.${liked}[${index}]`;
        return [...validateWeight(weight, at), ...validatePodTerm(podAffinityTerm, `${at}.podAffinityTerm`)];
      }),
    ]),
  ];
}

function validateWeight(weight: number, field: string): readonly FieldError[] {
  return weight >= 1 && weight <= 100
    ? []
    : [invalid(`${field}.weight`, weight, "must be in the range 1-100")];
}

/** The nodes that something must be on. */
export function validateNodeSelector(selector: NodeSelector, field: string): readonly FieldError[] {
  const terms = selector.nodeSelectorTerms ?? [];
  const at = `${field}.nodeSelectorTerms`;
  return [
    ...(terms.length === 0 ? [required(at, "must have at least one node selector term")] : []),
    ...terms.flatMap((term, index) => validateNodeTerm(term, `${at}[${index}]`, { checksValues: true })),
  ];
}

function validateNodeAffinity(affinity: NodeAffinity | undefined, field: string): readonly FieldError[] {
  const selector = affinity?.[wanted];
  return [
    ...(selector === undefined ? [] : validateNodeSelector(selector, `${field}.${wanted}`)),
    ...(affinity?.[liked] ?? []).flatMap(({ weight, preference }, index) => [
      ...validateWeight(weight, `${field}.${liked}[${index}]`),
      ...validateNodeTerm(preference ?? {}, `${field}.${liked}[${index}].preference`, {
        checksValues: false,
      }),
    ]),
  ];
}

/** Values of what is only preferred may be anything: they then fit no node. */
function validateNodeTerm(
  { matchExpressions, matchFields }: NodeTerm,
  field: string,
  { checksValues }: { readonly checksValues: boolean },
): readonly FieldError[] {
  return [
    ...(matchExpressions ?? []).flatMap((one, index) =>
      validateExpression(one, `${field}.matchExpressions[${index}]`, checksValues),
    ),
    ...(matchFields ?? []).flatMap((one, index) => validateField(one, `${field}.matchFields[${index}]`)),
  ];
}

function validateExpression(
  { key = "", operator, values = [] }: Requirement,
  field: string,
  checksValues: boolean,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  const at = `${field}.values`;
  switch (operator) {
    case "In":
    case "NotIn":
      if (values.length === 0)
        problems.push(required(at, "must be specified when `operator` is 'In' or 'NotIn'"));
      break;
    case "Exists":
    case "DoesNotExist":
      if (values.length > 0)
        problems.push(forbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      break;
    case "Gt":
    case "Lt":
      if (values.length !== 1)
        problems.push(required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      break;
    default:
      problems.push(invalid(`${field}.operator`, operator, "not a valid selector operator"));
  }
  problems.push(...qualifiedName(key).map((text) => invalid(`${field}.key`, key, text)));
  if (!checksValues) return problems;
  return [
    ...problems,
    ...values.flatMap((value, index) =>
      labelValue(value).map((text) => invalid(`${at}[${index}]`, value, text)),
    ),
  ];
}

function validateField({ key, operator, values = [] }: Requirement, field: string): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (operator !== "In" && operator !== "NotIn")
    problems.push(invalid(`${field}.operator`, operator, "not a valid selector operator"));
  else if (values.length !== 1) {
    const text = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    problems.push(required(`${field}.values`, text));
  }
  if (key !== "metadata.name")
    return [...problems, invalid(`${field}.key`, key, "not a valid field selector key")];
  return [
    ...problems,
    ...values.flatMap((value, index) =>
      dns1123Subdomain(value).map((text) => invalid(`${field}.values[${index}]`, value, text)),
    ),
  ];
}

function validatePodTerm(term: PodTerm, field: string): readonly FieldError[] {
  const { topologyKey = "", labelSelector, namespaceSelector, namespaces } = term;
  return [
    ...validateLabelSelector(labelSelector, `${field}.labelSelector`),
    ...validateLabelSelector(namespaceSelector, `${field}.namespaceSelector`),
    ...(namespaces ?? []).flatMap((name) =>
      dns1123Label(name).map((text) => invalid(`${field}.namespace`, name, text)),
    ),
    ...validateMatchLabelKeys(term, field),
    ...(topologyKey === "" ? [required(`${field}.topologyKey`, "can not be empty")] : []),
    ...qualifiedName(topologyKey).map((text) => invalid(`${field}.topologyKey`, topologyKey, text)),
  ];
}
