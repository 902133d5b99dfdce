import { compareQuantities, isQuantity, parseNanos, quantityRule } from "../../../base/quantity.ts";
import { dns1123Label, qualifiedName } from "../../../client/rules/names.ts";
import type { Container } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { duplicate, forbidden, invalid, required } from "./field-errors.ts";

type Resources = NonNullable<Container["resources"]>;
type Amounts = Readonly<Record<string, string>>;
type NameRule = (name: string, field: string) => readonly FieldError[];

/** What a container may ask for beside things that have a domain before their name. */
const ofContainers = /^(cpu|memory|ephemeral-storage|hugepages-.*)$/;
/** Names without a domain that mean something somewhere. */
const standard =
  /^((requests\.|limits\.)?(cpu|memory|ephemeral-storage)|(requests\.)?(storage|hugepages-.*)|pods|resourcequotas|services|replicationcontrollers|secrets|configmaps|persistentvolumeclaims|services\.(nodeports|loadbalancers))$/;

export const isHugePages = (name: string) => name.startsWith("hugepages-");
/** Kubernetes' own, without a domain or with its own. */
const isNative = (name: string) => !name.includes("/") || name.includes("kubernetes.io/");
export const canOvercommit = (name: string) => isNative(name) && !isHugePages(name);

/** Requests, limits and claims of a container. `claims` are the names in the pod's resourceClaims. */
export function validateResources(
  resources: Resources | undefined,
  field: string,
  claims: readonly string[],
): readonly FieldError[] {
  return validateAmounts(resources ?? {}, field, containerResourceName, claims);
}

/** The same for whoever has resources, by the rule for their names. */
export function validateAmounts(
  { limits = {}, requests = {}, claims = [] }: Resources,
  field: string,
  nameRule: NameRule,
  claimNames: readonly string[],
): readonly FieldError[] {
  const problems: FieldError[] = Object.entries(limits).flatMap(([name, amount]) =>
    validateAmount(name, amount, `${field}.limits[${name}]`, nameRule),
  );
  for (const [name, amount] of Object.entries(requests)) {
    problems.push(...validateAmount(name, amount, `${field}.requests[${name}]`, nameRule));
    problems.push(...againstLimit(name, amount, limits, field));
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes("cpu") && !names.includes("memory"))
    problems.push(forbidden(field, "HugePages require cpu or memory"));
  return [...problems, ...validateClaims(claims, claimNames, `${field}.claims`)];
}

function validateAmount(
  name: string,
  amount: string,
  field: string,
  nameRule: NameRule,
): readonly FieldError[] {
  const problems: FieldError[] = [...nameRule(name, field)];
  if (!isQuantity(amount)) return [...problems, invalid(field, amount, quantityRule)];
  if (compareQuantities(amount, "0") < 0)
    problems.push(invalid(field, amount, "must be greater than or equal to 0"));
  if (!isNative(name) && !isWhole(amount)) problems.push(invalid(field, amount, "must be an integer"));
  if (isHugePages(name) && !isMultiple(amount, name.slice("hugepages-".length)))
    problems.push(invalid(field, amount, `${amount} is not positive integer multiple of ${name}`));
  return problems;
}

const isWhole = (amount: string) => isMultiple(amount, "1");

/** Whether an amount is some whole number of `unit`s.. */
function isMultiple(amount: string, unit: string): boolean {
  if (!isQuantity(unit) || compareQuantities(unit, "0") <= 0) return false;
  const [whole, part] = [parseNanos(amount), parseNanos(unit)];
  return whole % part === 0n;
}

function againstLimit(name: string, request: string, limits: Amounts, field: string): readonly FieldError[] {
  const limit = limits[name];
  if (limit === undefined)
    return canOvercommit(name)
      ? []
      : [required(`${field}.limits`, "Limit must be set for non overcommitable resources")];
  if (!isQuantity(request) || !isQuantity(limit)) return [];
  const order = compareQuantities(request, limit);
  const at = `${field}.requests`;
  if (order !== 0 && !canOvercommit(name))
    return [invalid(at, request, `must be equal to ${name} limit of ${limit}`)];
  if (order > 0) return [invalid(at, request, `must be less than or equal to ${name} limit of ${limit}`)];
  return [];
}

/** Names that anything may ask for. */
export function resourceName(name: string, field: string): readonly FieldError[] {
  const problems = qualifiedName(name).map((text) => invalid(field, name, text));
  if (problems.length > 0 || name.includes("/") || standard.test(name)) return problems;
  return [invalid(field, name, "must be a standard resource type or fully qualified")];
}

export function containerResourceName(name: string, field: string): readonly FieldError[] {
  const problems = resourceName(name, field);
  if (!name.includes("/"))
    return ofContainers.test(name)
      ? problems
      : [...problems, invalid(field, name, "must be a standard resource for containers")];
  // What a quota would call it must be a name too.
  const named = !name.startsWith("requests.") && qualifiedName(`requests.${name}`).length === 0;
  if (isNative(name) || named) return problems;
  return [...problems, invalid(field, name, "doesn't follow extended resource name standard")];
}

type Claims = NonNullable<Resources["claims"]>;

function validateClaims(claims: Claims, known: readonly string[], field: string): readonly FieldError[] {
  const seen = new Set<string>();
  return claims.flatMap(({ name = "", request = "" }, index) => {
    const at = `${field}[${index}]`;
    if (name === "") return [required(at)];
    const problems: FieldError[] = [];
    const key = request === "" ? name : `${name}/${request}`;
    if (request !== "" && !seen.has(name))
      problems.push(...dns1123Label(request).map((text) => invalid(`${at}.request`, request, text)));
    const partly = request === "" && [...seen].some((one) => one.startsWith(`${name}/`));
    if (seen.has(name) || partly) problems.push(duplicate(at, name));
    else if (seen.has(key)) problems.push(duplicate(at, key));
    seen.add(key);
    if (!known.includes(name)) {
      const rest = known.length === 0 ? " which is empty" : `: ${[...known].sort().join(", ")}`;
      const message = `Not found: ${JSON.stringify(name)}: must be one of the names in pod.spec.resourceClaims${rest}`;
      problems.push({ reason: "FieldValueNotFound", field: at, message });
    }
    return problems;
  });
}
