import type { IpFamilyName } from "../../../base/ip-range.ts";
import { type JsonObject, objectOf, stringOf, stringsOf } from "../json.ts";
import type { FieldError } from "./kind.ts";

/** Which families a Service's addresses are of, as Kubernetes says them (`initIPFamilyFields`): what its policy asks for, as far as
 *  the cluster has it. Fills `next`, and answers why not where it cannot be had. `configured` are the cluster's families, the one
 *  first that a Service has where nothing is said. Pure but for `next`. */
export function settleFamilies(
  next: JsonObject,
  current: JsonObject | undefined,
  configured: readonly IpFamilyName[],
): readonly FieldError[] {
  if (stringOf(next.type) === "ExternalName" || staysAsItIs(next, current)) return [];
  const isAnybodys = next.clusterIP === "None" && Object.keys(objectOf(next.selector)).length === 0;
  // Whose end points somebody writes by hand, without an address to go through, may have any.
  next.ipFamilyPolicy ??= current?.ipFamilyPolicy ?? (isAnybodys ? "RequireDualStack" : "SingleStack");
  const policy = stringOf(next.ipFamilyPolicy);
  const problems = [...reduce(next, current, policy), ...tooMany(next, policy)];
  problems.push(...inferFamilies(next, configured));
  if (problems.length > 0) return problems;
  const families = stringsOf(next.ipFamilies);
  if (!isAnybodys) {
    if (policy === "RequireDualStack" && configured.length < 2)
      problems.push(ofPolicy(policy, "this cluster is not configured for dual-stack services"));
    for (const [at, family] of families.entries())
      if (!configured.some((one) => one === family))
        problems.push(invalid(`spec.ipFamilies[${at}]`, family, "not configured on this cluster"));
    if (problems.length > 0) return problems;
  }
  const [first = configured[0] ?? "IPv4", second] = families;
  const takesBoth = policy !== "SingleStack" && (isAnybodys || configured.length === 2);
  const other = second ?? (takesBoth ? (first === "IPv4" ? "IPv6" : "IPv4") : undefined);
  next.ipFamilies = other === undefined ? [first] : [first, other];
  return [];
}

/** A Service that takes what there is keeps what it has, whatever the cluster has by now, until it asks for something else. */
function staysAsItIs(next: JsonObject, current: JsonObject | undefined): boolean {
  const prefers = (spec: JsonObject) => spec.ipFamilyPolicy === "PreferDualStack";
  return (
    current !== undefined &&
    next.type === current.type &&
    prefers(next) &&
    prefers(current) &&
    same(next.clusterIPs, current.clusterIPs) &&
    same(next.ipFamilies, current.ipFamilies)
  );
}

/** Asking for a single family is enough to give up the other; naming fewer is not. */
function reduce(next: JsonObject, current: JsonObject | undefined, policy: string): readonly FieldError[] {
  if (current === undefined) return [];
  const problems: FieldError[] = [];
  for (const [field, what] of [
    ["clusterIPs", "cluster IP"],
    ["ipFamilies", "IP family"],
  ] as const) {
    const [now, before] = [stringsOf(next[field]), stringsOf(current[field])];
    if (policy === "SingleStack") {
      if (now.length > 1 && same(now, before)) next[field] = now.slice(0, 1);
    } else if (now.length > 0 && now.length < before.length)
      problems.push(ofPolicy(policy, `must be 'SingleStack' to release the secondary ${what}`));
  }
  return problems;
}

function tooMany(next: JsonObject, policy: string): readonly FieldError[] {
  if (policy !== "SingleStack") return [];
  return (
    [
      ["clusterIPs", "cluster IPs"],
      ["ipFamilies", "IP families"],
    ] as const
  )
    .filter(([field]) => stringsOf(next[field]).length === 2)
    .map(([, what]) =>
      ofPolicy(policy, `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`),
    );
}

/** Of addresses that are given, whose families are not. */
function inferFamilies(next: JsonObject, configured: readonly IpFamilyName[]): readonly FieldError[] {
  const families = [...stringsOf(next.ipFamilies)];
  const problems: FieldError[] = [];
  const given = stringsOf(next.clusterIPs);
  if (given[0] === "None") return problems;
  for (const [at, ip] of given.entries()) {
    if (at < families.length) continue;
    const family = ip.includes(":") ? "IPv6" : "IPv4";
    if (configured.includes(family)) families.push(family);
    else
      problems.push(invalid(`spec.clusterIPs[${at}]`, given, `${family} is not configured on this cluster`));
  }
  if (families.length > 0) next.ipFamilies = families;
  return problems;
}

const ofPolicy = (policy: string, why: string) => invalid("spec.ipFamilyPolicy", policy, why);

function invalid(field: string, value: unknown, why: string): FieldError {
  return { reason: "FieldValueInvalid", field, message: `Invalid value: ${JSON.stringify(value)}: ${why}` };
}

const same = (a: unknown, b: unknown) => JSON.stringify(stringsOf(a)) === JSON.stringify(stringsOf(b));
