import { aggregatedRules, sameRules } from "../../../client/rules/aggregated-rules.ts";
import type { ClusterRole, KubeObject } from "../../../client/types.ts";
import { ApiError } from "../api-error.ts";
import { toKubeObject } from "../json.ts";
import {
  type AnyBinding,
  type AnyRole,
  defaultBindings,
  defaultRoles,
} from "../rbac/policy/default-policy.ts";
import { type OwnPolicyOptions, ownBindings, ownRoles } from "../rbac/policy/own-policy.ts";
import { reconciledBinding, reconciledRole } from "../rbac/reconcile.ts";
import { createMissing } from "../registry/create-missing.ts";
import { createObject } from "../registry/create-object.ts";
import type { Kind } from "../registry/kind.ts";
import { type RegistryDeps, serverRequester } from "../registry/registry-deps.ts";
import { removeObject } from "../registry/remove-object.ts";
import { objectKey } from "../registry/stored-object.ts";
import { updateObject } from "../registry/update-object.ts";

const group = "rbac.authorization.k8s.io";
/** How many objects are written at once. */
const writesAtOnceMax = 16;
const by = serverRequester;
const rbacKinds = ["ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding"];

/** Whether metrics are served here is seen. */
export type BootstrapPolicy = Omit<OwnPolicyOptions, "servesMetrics">;

/** Sees to Kubernetes' default roles and bindings and our own: those that are missing are made, those that lack something get
 *  it back. Roles that gather others' rules have them from the first moment; the controller keeps them later. */
export async function ensureRbacPolicy(registry: RegistryDeps, options: BootstrapPolicy): Promise<void> {
  const roles = await newRoles(registry, options);
  const bindings = [...defaultBindings(), ...ownBindings(options)];
  const made = await createFirst(registry, [...roles, ...bindings]);
  const isOld = ({ kind = "" }: { readonly kind?: string }) => !made.has(kind);
  await inParallel(roles.filter(isOld), (role) => ensure(registry, role, reconciledRole));
  await inParallel(bindings.filter(isOld), (binding) => ensure(registry, binding, reconciledBinding));
}

/** Where there are none of their kind at all, as in a new cluster, all are made at once. Resolves to the names of those kinds. */
async function createFirst(
  registry: RegistryDeps,
  wanted: readonly (AnyRole | AnyBinding)[],
): Promise<ReadonlySet<string>> {
  const kinds = new Map<string, Kind>();
  for (const kind of rbacKinds.map((name) => kindOf(registry, name)))
    if ((await registry.hub.cache(kind)).count === 0) kinds.set(kind.kind, kind);
  const missing = wanted.flatMap((one) => {
    const kind = kinds.get(one.kind ?? "");
    return kind === undefined ? [] : [{ kind, object: toKubeObject(structuredClone({ ...one })) }];
  });
  await createMissing(registry, missing);
  return new Set(kinds.keys());
}

/** The default roles, those that gather filled from the others and from what is there. */
async function newRoles(registry: RegistryDeps, options: BootstrapPolicy): Promise<readonly AnyRole[]> {
  const servesMetrics = registry.kinds.named("metrics.k8s.io", "pods") !== undefined;
  const roles = [...defaultRoles(), ...ownRoles({ ...options, servesMetrics })];
  const cache = await registry.hub.consistent(kindOf(registry, "ClusterRole"));
  const there = cache.list(cache.prefix).map(({ object }) => object as ClusterRole);
  const known = new Set(there.map(({ metadata }) => metadata.name));
  const made = roles.filter(
    ({ kind, metadata }) => kind === "ClusterRole" && !known.has(metadata.name ?? ""),
  );
  // A role that gathers may be gathered itself: until nothing changes.
  for (let changed = true; changed; ) {
    changed = false;
    for (const role of made) {
      const rules = aggregatedRules(role, [...there, ...made]);
      if (rules === undefined || sameRules(rules, role.rules)) continue;
      role.rules = [...rules];
      changed = true;
    }
  }
  return roles;
}

type Reconciling<T> = (existing: T, wanted: T) => T | "recreate" | undefined;

/** One object is there as it should be, whoever else sees to it at the same time. */
async function ensure<T extends AnyRole | AnyBinding>(
  registry: RegistryDeps,
  wanted: T,
  reconciled: Reconciling<T>,
): Promise<void> {
  const kind = kindOf(registry, wanted.kind ?? "");
  const { name = "", namespace = "" } = wanted.metadata;
  const cache = await registry.hub.cache(kind);
  const existing = cache.get(objectKey(kind, namespace, name))?.object;
  if (existing === undefined && (await create(registry, kind, wanted))) return;
  if (existing !== undefined && reconciled(existing as unknown as T, wanted) === undefined) return;
  let recreates = false;
  const change = (current: KubeObject): KubeObject => {
    const next = reconciled(current as unknown as T, wanted);
    recreates = next === "recreate";
    return next === undefined || next === "recreate" ? current : (next as unknown as KubeObject);
  };
  const address = { namespace, name };
  const { metadata } = await updateObject(registry, kind, address, change, {
    dryRun: false,
    via: "server",
    by,
  });
  if (!recreates) return;
  await removeObject(registry, kind, address, { dryRun: false, preconditions: { uid: metadata.uid }, by });
  await create(registry, kind, wanted);
}

/** False: somebody else made it meanwhile. */
async function create(registry: RegistryDeps, kind: Kind, wanted: object): Promise<boolean> {
  try {
    await createObject(registry, kind, toKubeObject(structuredClone({ ...wanted })), { dryRun: false, by });
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.reason === "AlreadyExists") return false;
    throw error;
  }
}

function kindOf({ kinds }: RegistryDeps, name: string): Kind {
  const found = kinds.named(group, `${name.toLowerCase()}s`)?.kind;
  if (found === undefined) throw new Error(`the table of kinds lacks ${name}`);
  return found;
}

async function inParallel<T>(all: readonly T[], each: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const worker = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await each(one);
  };
  await Promise.all(Array.from({ length: writesAtOnceMax }, worker));
}
