import type { ClusterRole, KubeObject, PolicyRule, Role } from "../../../client/types.ts";
import { type Attributes, type Plugin, where } from "../admission/admission.ts";
import { forbidden, notFound } from "../api-error.ts";
import type { User } from "../filters/authentication.ts";
import { type Authorizer, superuserGroup } from "../filters/authorizer.ts";
import type { Kind } from "../registry/kind.ts";
import { sameJson } from "../registry/object-meta.ts";
import type { Binding, RbacIndex } from "./rbac-index.ts";
import { describedRules, quotedList, uncovered } from "./rules-cover.ts";

export interface EscalationDeps {
  readonly authorizer: Authorizer;
  readonly index: RbacIndex;
  /** Brings the index to every write that was acknowledged before. */
  readonly consistent: () => Promise<void>;
}

const group = "rbac.authorization.k8s.io";
/** What aggregating takes: it gathers whatever others make. */
const everything: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

/** Nobody grants what they do not have: who writes a role must hold its rules or may `escalate`, who writes a binding must
 *  hold the rules of its role or may `bind` it. Part of storing these kinds: it cannot be switched off, and comes after
 *  all that may change the object, before the kind's own rules.
 *  Fails with 403, and with 404 for a binding to a role that is missing. (Kubernetes' policy-based storage.) */
export function escalationCheck(deps: EscalationDeps): Plugin {
  return {
    mutate: where(
      ({ kind }) => kind.group === group,
      (attributes) => checkEscalation(deps, attributes),
    ),
  };
}

async function checkEscalation(deps: EscalationDeps, attributes: Attributes): Promise<void> {
  const { kind, object, old, by } = attributes;
  if (object === undefined || by.user.groups.includes(superuserGroup)) return;
  if (old !== undefined && onlyForGarbageCollection(object, old)) return;
  if (kind.plural.endsWith("roles")) await checkRole(deps, attributes, object);
  else await checkBinding(deps, attributes, object);
}

async function checkRole(
  { authorizer, index, consistent }: EscalationDeps,
  { kind, old, by }: Attributes,
  object: KubeObject,
): Promise<void> {
  const { name } = object.metadata;
  const namespace = object.metadata.namespace ?? "";
  const asked = { group, plural: kind.plural, subresource: "", namespace, name: by.name };
  if ((await authorizer(by.user, { verb: "escalate", ...asked })).allowed) return;
  await consistent();
  const { rules = [] } = object as Role;
  const problem = missingRights(index, by.user, { kind, namespace, rules });
  if (problem !== undefined) throw forbidden(kind, name, problem);
  if (!aggregates(object) && !(old !== undefined && aggregates(old))) return;
  if (missingRights(index, by.user, { kind, namespace, rules: everything }) !== undefined)
    throw forbidden(kind, name, "must have cluster-admin privileges to use the aggregationRule");
}

async function checkBinding(
  { authorizer, index, consistent }: EscalationDeps,
  { kind, by }: Attributes,
  object: KubeObject,
): Promise<void> {
  const { roleRef, metadata } = object as unknown as Binding;
  const namespace = metadata.namespace ?? "";
  // What else it may be, validation refuses.
  if (roleRef.kind !== "ClusterRole" && roleRef.kind !== "Role") return;
  const plural = roleRef.kind === "Role" ? "roles" : "clusterroles";
  const asked = { group, plural, subresource: "", namespace, name: roleRef.name };
  if ((await authorizer(by.user, { verb: "bind", ...asked })).allowed) return;
  await consistent();
  const rules = index.rulesOf(roleRef, namespace);
  // As in Kubernetes: said of the kind that is written, by the name of the role.
  if (rules === undefined) throw notFound(kind, roleRef.name);
  const problem = missingRights(index, by.user, { kind, namespace, rules });
  if (problem !== undefined) throw forbidden(kind, metadata.name, problem);
}

interface Granting {
  readonly kind: Kind;
  readonly namespace: string;
  readonly rules: readonly PolicyRule[];
}

/** What a user lacks of the rules, in Kubernetes' words; undefined if nothing. */
function missingRights(
  index: RbacIndex,
  user: User,
  { kind, namespace, rules }: Granting,
): string | undefined {
  const granted = [...index.grantsTo(user, namespace)];
  const missing = uncovered(
    granted.flatMap((grant) => grant.rules ?? []),
    rules,
  );
  if (missing.length === 0) return undefined;
  const lost = granted.filter((grant) => grant.rules === undefined);
  const problems = [...new Set(lost.map(({ binding }) => notFound(kind, binding.roleRef.name).message))];
  const [problem = ""] = problems;
  const resolution = problems.length > 1 ? `[${problems.join(", ")}]` : problem;
  const who = `user ${JSON.stringify(user.name)} (groups=${quotedList(user.groups)})`;
  const what = `is attempting to grant RBAC permissions not currently held:\n${describedRules(missing).join("\n")}`;
  return `${who} ${what}${resolution === "" ? "" : `; resolution errors: [${resolution}]`}`;
}

const aggregates = (role: KubeObject) =>
  ((role as ClusterRole).aggregationRule?.clusterRoleSelectors ?? []).length > 0;

/** A change of what the garbage collector sets needs no rights: it must get rid of what it may not grant. */
function onlyForGarbageCollection(next: KubeObject, old: KubeObject): boolean {
  return sameJson(withoutOwners(next), withoutOwners(old));
}

function withoutOwners({ metadata, ...rest }: KubeObject): object {
  const { ownerReferences: _, finalizers: __, managedFields: ___, ...kept } = metadata;
  return { ...rest, metadata: kept };
}
