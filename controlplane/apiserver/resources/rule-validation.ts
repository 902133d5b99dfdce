import type { FieldError } from "../registry/kind.ts";
import { invalid, notSupported, required } from "./field-errors.ts";

/** What a rule of a webhook or policy (RuleWithOperations) says that Kubernetes does not take. Pure. */
export interface RuleShape {
  readonly operations?: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly apiVersions?: readonly string[];
  readonly resources?: readonly string[];
  readonly scope?: string;
}

const operationNames = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const scopes = ["*", "Cluster", "Namespaced"];

export function validateRuleWithOperations(rule: RuleShape, path: string): readonly FieldError[] {
  const { operations = [] } = rule;
  return [
    ...wildcardProblems(operations, `${path}.operations`, "operations"),
    ...operations.flatMap((one, index) =>
      operationNames.includes(one) ? [] : [notSupported(`${path}.operations[${index}]`, one, operationNames)],
    ),
    ...validateRule(rule, path),
  ];
}

function validateRule(
  { apiGroups = [], apiVersions = [], resources = [], scope }: RuleShape,
  path: string,
): readonly FieldError[] {
  return [
    ...wildcardProblems(apiGroups, `${path}.apiGroups`, "API groups"),
    ...wildcardProblems(apiVersions, `${path}.apiVersions`, "API versions"),
    ...apiVersions.flatMap((one, index) => (one === "" ? [required(`${path}.apiVersions[${index}]`)] : [])),
    ...resourceProblems(resources, `${path}.resources`),
    ...(scope === undefined || scopes.includes(scope) ? [] : [notSupported(`${path}.scope`, scope, scopes)]),
  ];
}

function wildcardProblems(list: readonly string[], path: string, others: string): readonly FieldError[] {
  if (list.length === 0) return [required(path)];
  if (list.length === 1 || !list.includes("*")) return [];
  return [invalid(path, list, `if '*' is present, must not specify other ${others}`)];
}

function resourceProblems(resources: readonly string[], path: string): readonly FieldError[] {
  if (resources.length === 0) return [required(path)];
  const problems: FieldError[] = [];
  const ofResource = new Set<string>();
  const ofSubresource = new Set<string>();
  let lastIsPlain = false;
  resources.forEach((one, index) => {
    const at = `${path}[${index}]`;
    if (one === "") {
      problems.push(required(at));
      return;
    }
    const cut = one.indexOf("/");
    if (cut < 0) {
      lastIsPlain = one !== "*";
      return;
    }
    const [resource, inner] = [one.slice(0, cut), one.slice(cut + 1)];
    if (ofResource.has(resource))
      problems.push(invalid(at, one, `if '${resource}/*' is present, must not specify ${one}`));
    if (ofSubresource.has(inner))
      problems.push(invalid(at, one, `if '*/${inner}' is present, must not specify ${one}`));
    if (inner === "*") ofResource.add(resource);
    if (resource === "*") ofSubresource.add(inner);
  });
  if (resources.length > 1 && resources.includes("*/*"))
    problems.push(invalid(path, resources, "if '*/*' is present, must not specify other resources"));
  if (resources.includes("*") && lastIsPlain)
    problems.push(
      invalid(path, resources, "if '*' is present, must not specify other resources without subresources"),
    );
  return problems;
}
