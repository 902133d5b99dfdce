import type { PolicyRule, Subject } from "../../../client/types.ts";
import type { User } from "../filters/authentication.ts";
import type { Attributes } from "../filters/authorization.ts";
import type { Decision } from "../filters/authorizer.ts";
import { serviceAccountOf } from "../filters/service-account-user.ts";
import type { Binding, RbacIndex } from "./rbac-index.ts";
import { ruleAllows } from "./rule-allows.ts";

/** May this user do this, by what is granted to them? Pure. */
export function decide(index: RbacIndex, user: User, wanted: Attributes): Decision {
  const missing: string[] = [];
  for (const { binding, rules } of index.grantsTo(user, "path" in wanted ? "" : wanted.namespace)) {
    if (rules === undefined) missing.push(missingRole(binding.roleRef));
    else if (rules.some((rule) => ruleAllows(rule, wanted)))
      return { allowed: true, reason: `RBAC: allowed by ${described(binding, user)}` };
  }
  return missing.length === 0 ? { allowed: false } : { allowed: false, reason: `RBAC: ${together(missing)}` };
}

export interface GrantedRules {
  readonly rules: readonly PolicyRule[];
  /** What kept some rules from being found; "" if nothing did. */
  readonly problem: string;
}

/** All rules that hold for a user in a namespace ("": in the cluster as a whole). Pure. */
export function rulesGranted(index: RbacIndex, user: User, namespace: string): GrantedRules {
  const granted = [...index.grantsTo(user, namespace)];
  const missing = granted.flatMap(({ binding, rules }) =>
    rules === undefined ? [missingRole(binding.roleRef)] : [],
  );
  return { rules: granted.flatMap(({ rules }) => rules ?? []), problem: together(missing) };
}

function missingRole({ kind, name }: Binding["roleRef"]): string {
  return `${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`;
}

/** Several problems as Kubernetes writes them, each once. */
function together(problems: readonly string[]): string {
  const each = [...new Set(problems)];
  return each.length > 1 ? `[${each.join(", ")}]` : (each[0] ?? "");
}

function described(binding: Binding, user: User): string {
  const { kind, metadata, roleRef, subjects = [] } = binding;
  const { name, namespace = "" } = metadata;
  const place = namespace === "" ? name : `${name}/${namespace}`;
  const subject = subjects.find((one) => isSubject(user, one, namespace));
  const to = subject === undefined ? "" : ` to ${describedSubject(subject, namespace)}`;
  return `${kind} ${JSON.stringify(place)} of ${roleRef.kind} ${JSON.stringify(roleRef.name)}${to}`;
}

function describedSubject({ kind, name, namespace }: Subject, bindingNamespace: string): string {
  const text = kind === "ServiceAccount" ? `${name}/${namespace || bindingNamespace}` : name;
  return `${kind} ${JSON.stringify(text)}`;
}

/** Is this user whom the subject of a binding in this namespace means? */
export function isSubject(user: User, { kind, name, namespace }: Subject, bindingNamespace: string): boolean {
  switch (kind) {
    case "User":
      return user.name === name;
    case "Group":
      return user.groups.includes(name);
    case "ServiceAccount": {
      const account = serviceAccountOf(user.name);
      const home = namespace || bindingNamespace;
      return account !== undefined && account.name === name && account.namespace === home;
    }
    default:
      return false;
  }
}
