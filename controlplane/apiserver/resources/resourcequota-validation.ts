import { isQuantity, parseNanos, quantityRule } from "../../../base/quantity.ts";
import { canonicalQuantity } from "../../../base/quantity-text.ts";
import type { ResourceQuota } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { resourceName } from "./container-resources.ts";
import { invalid, required } from "./field-errors.ts";

type Spec = ResourceQuota["spec"];
type Selector = NonNullable<Spec["scopeSelector"]>;

/** Of these there are only whole ones. */
const pieces: ReadonlySet<string> = new Set([
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services.nodeports",
  "services.loadbalancers",
]);
const compute: ReadonlySet<string> = new Set([
  "cpu",
  "memory",
  "limits.cpu",
  "limits.memory",
  "requests.cpu",
  "requests.memory",
]);
const standard: ReadonlySet<string> = new Set([
  ...pieces,
  ...compute,
  "ephemeral-storage",
  "requests.storage",
  "requests.ephemeral-storage",
  "limits.ephemeral-storage",
]);
const storage: ReadonlySet<string> = new Set(["persistentvolumeclaims", "requests.storage"]);

const scopes: readonly string[] = [
  "Terminating",
  "NotTerminating",
  "BestEffort",
  "NotBestEffort",
  "PriorityClass",
  "VolumeAttributesClass",
  "CrossNamespacePodAffinity",
];
const exclusive = [
  ["BestEffort", "NotBestEffort"],
  ["Terminating", "NotTerminating"],
] as const;
const isHugePages = (name: string) => /^(requests\.)?hugepages-/.test(name);

export function validateResourceQuota({ spec, status }: ResourceQuota): readonly FieldError[] {
  return [
    ...validateAmounts(spec.hard, "spec.hard"),
    ...validateScopes(spec, "spec.scopes"),
    ...validateSelector(spec, "spec.scopeSelector.matchExpressions"),
    ...validateAmounts(status?.hard, "status.hard"),
    ...validateAmounts(status?.used, "status.used"),
  ];
}

export function validateResourceQuotaUpdate(
  next: ResourceQuota,
  current: ResourceQuota,
): readonly FieldError[] {
  const sorted = ({ spec }: ResourceQuota) => [...new Set(spec.scopes ?? [])].sort().join();
  if (sorted(next) === sorted(current)) return [];
  return [invalid("spec.scopes", next.spec.scopes, "field is immutable")];
}

function validateAmounts(amounts: Spec["hard"], field: string): readonly FieldError[] {
  return Object.entries(amounts ?? {}).flatMap(([name, amount]) => {
    const at = `${field}[${name}]`;
    const problems: FieldError[] = [...resourceName(name, at)];
    if (!name.includes("/") && !standard.has(name) && !isHugePages(name))
      problems.push(invalid(at, name, "must be a standard resource for quota"));
    if (!isQuantity(amount)) return [...problems, invalid(at, amount, quantityRule)];
    const shown = canonicalQuantity(amount);
    const nanos = parseNanos(amount);
    if (nanos < 0n) problems.push(invalid(at, shown, "must be greater than or equal to 0"));
    const isCount = pieces.has(name) || isExtended(name);
    // Kubernetes looks at thousandths here.
    if (isCount && (nanos / 1_000_000n) % 1000n !== 0n)
      problems.push(invalid(at, shown, "must be an integer"));
    return problems;
  });
}

/** Counted in pieces: what is not Kubernetes' own. */
const isExtended = (name: string) =>
  name.includes("/") && !name.includes("kubernetes.io/") && !name.startsWith("requests.");

const fits = (scope: string, resource: string) => {
  switch (scope) {
    case "BestEffort":
      return resource === "pods";
    case "VolumeAttributesClass":
      return storage.has(resource);
    case "Terminating":
    case "NotTerminating":
    case "NotBestEffort":
    case "PriorityClass":
    case "CrossNamespacePodAffinity":
      return resource === "pods" || compute.has(resource);
    default:
      return true;
  }
};

function misfits(scope: string, hard: Spec["hard"]): readonly string[] {
  const names = Object.keys(hard ?? {}).sort();
  return names.filter((name) => (standard.has(name) || isHugePages(name)) && !fits(scope, name));
}

function conflicts(named: readonly (string | undefined)[]): number {
  return exclusive.filter((pair) => pair.every((one) => named.includes(one))).length;
}

function validateScopes({ scopes: named = [], hard }: Spec, field: string): readonly FieldError[] {
  const problem = (text: string) => invalid(field, named, text);
  return [
    ...named.flatMap((scope) => [
      ...(scopes.includes(scope) ? [] : [problem("unsupported scope")]),
      ...misfits(scope, hard).map(() => problem("unsupported scope applied to resource")),
    ]),
    ...Array.from({ length: conflicts(named) }, () => problem("conflicting scopes")),
  ];
}

/** As Kubernetes' messages show it. */
const inGo = ({ matchExpressions }: Selector) => ({
  MatchExpressions:
    matchExpressions?.map(({ scopeName, operator, values }) => ({
      ScopeName: scopeName,
      Operator: operator,
      Values: values ?? null,
    })) ?? null,
});

function validateSelector(
  { scopeSelector, scopes: named, hard }: Spec,
  field: string,
): readonly FieldError[] {
  const expressions = scopeSelector?.matchExpressions ?? [];
  return [
    ...expressions.flatMap(({ scopeName = "", operator = "", values = [] }) => [
      ...(scopes.includes(scopeName) ? [] : [invalid(`${field}.scopeName`, scopeName, "unsupported scope")]),
      ...misfits(scopeName, hard).map(() =>
        invalid(field, inGo(scopeSelector ?? {}), "unsupported scope applied to resource"),
      ),
      ...validateOperator({ scopeName, operator, values }, field),
    ]),
    // Kubernetes shows the other list here.
    ...Array.from({ length: conflicts(expressions.map(({ scopeName }) => scopeName)) }, () =>
      invalid(field, named, "conflicting scopes"),
    ),
  ];
}

/** Scopes that a pod is in or is not, and can be in only one way. */
const plain: ReadonlySet<string> = new Set([
  "BestEffort",
  "NotBestEffort",
  "Terminating",
  "NotTerminating",
  "CrossNamespacePodAffinity",
]);

function validateOperator(
  {
    scopeName,
    operator,
    values,
  }: { readonly scopeName: string; readonly operator: string; readonly values: readonly string[] },
  field: string,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (plain.has(scopeName) && operator !== "Exists") {
    const text =
      "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
    problems.push(invalid(`${field}.operator`, operator, text));
  }
  switch (operator) {
    case "In":
    case "NotIn":
      if (values.length === 0) {
        const text = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
        problems.push(required(`${field}.values`, text));
      }
      return problems;
    case "Exists":
    case "DoesNotExist":
      if (values.length > 0) {
        const text = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
        problems.push(invalid(`${field}.values`, values, text));
      }
      return problems;
    default:
      return [...problems, invalid(`${field}.operator`, operator, "not a valid selector operator")];
  }
}
