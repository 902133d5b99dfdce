import { searchDomain } from "../../../client/rules/names.ts";
import type { PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { ipAddress } from "./addresses.ts";
import { invalid, notSupported, required } from "./field-errors.ts";

const policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const nameserversMost = 3;
const searchesMost = 32;
const searchCharactersMost = 2048;

/** How a pod's containers find names. */
export function validateDns({ dnsPolicy, dnsConfig }: PodSpec, field: string): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (!dnsPolicy) problems.push(required(`${field}.dnsPolicy`));
  else if (!policies.includes(dnsPolicy))
    problems.push(notSupported(`${field}.dnsPolicy`, dnsPolicy, policies));
  const at = `${field}.dnsConfig`;
  if (dnsPolicy === "None" && dnsConfig === undefined)
    return [...problems, required(at, "must provide `dnsConfig` when `dnsPolicy` is None")];
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {};
  if (dnsPolicy === "None" && nameservers.length === 0) {
    const text = "must provide at least one DNS nameserver when `dnsPolicy` is None";
    return [...problems, required(`${at}.nameservers`, text)];
  }
  if (nameservers.length > nameserversMost) {
    const text = `must not have more than ${nameserversMost} nameservers`;
    problems.push(invalid(`${at}.nameservers`, nameservers, text));
  }
  for (const [index, address] of nameservers.entries())
    problems.push(...ipAddress(`${at}.nameservers[${index}]`, address));
  return [
    ...problems,
    ...validateSearches(searches, `${at}.searches`),
    ...options.flatMap(({ name }, index) =>
      name ? [] : [required(`${at}.options[${index}]`, "must not be empty")],
    ),
  ];
}

function validateSearches(searches: readonly string[], field: string): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (searches.length > searchesMost)
    problems.push(invalid(field, searches, `must not have more than ${searchesMost} search paths`));
  if (searches.join(" ").length > searchCharactersMost) {
    const text = `must not have more than ${searchCharactersMost} characters (including spaces) in the search list`;
    problems.push(invalid(field, searches, text));
  }
  for (const [index, search] of searches.entries()) {
    if (search === ".") continue;
    const name = search.replace(/\.$/, "");
    problems.push(...searchDomain(name).map((text) => invalid(`${field}[${index}]`, name, text)));
  }
  return problems;
}
