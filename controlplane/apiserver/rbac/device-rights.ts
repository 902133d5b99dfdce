import type { ResourceClaim, ResourceClaimSpec, ResourceClaimTemplate } from "../../../client/types.ts";
import type { Attributes, Plugin } from "../admission/admission.ts";
import { type LookupDeps, storedObject } from "../admission/stored-lookup.ts";
import { invalid } from "../api-error.ts";
import type { User } from "../filters/authentication.ts";
import { accessForbidden, type ResourceAttributes } from "../filters/authorization.ts";
import type { Authorizer } from "../filters/authorizer.ts";
import { nodeNameKey, serviceAccountOf } from "../filters/service-account-user.ts";
import type { FieldError } from "../registry/kind.ts";
import { deviceId } from "../resources/device-allocation-validation.ts";
import { forbidden } from "../resources/field-errors.ts";
import { sameValue } from "../schema/same-value.ts";

export type DeviceRightsDeps = LookupDeps & { readonly authorizer: Authorizer };

type Status = NonNullable<ResourceClaim["status"]>;

const group = "resource.k8s.io";
const adminLabel = "resource.kubernetes.io/admin-access";

/** Who may do what with devices, beyond writing claims: devices for administration only in namespaces that say so; to allocate
 *  takes the right to bind claims, to report on a device the right to do so for its driver. Part of storing these kinds, not
 *  a plugin: it cannot be switched off. (Kubernetes' strategies of claims and templates.) Fails with 422. */
export function deviceRights(deps: DeviceRightsDeps): Plugin {
  return {
    validate: (attributes) => {
      const { kind, operation } = attributes;
      return kind.group === group && operation !== "delete" ? check(deps, attributes) : undefined;
    },
  };
}

async function check(deps: DeviceRightsDeps, attributes: Attributes): Promise<void> {
  const { kind, object } = attributes;
  const problems = await problemsOf(deps, attributes);
  if (problems.length > 0) throw invalid(kind, object?.metadata.name ?? "", problems);
}

async function problemsOf(deps: DeviceRightsDeps, attributes: Attributes): Promise<readonly FieldError[]> {
  const { kind, operation, object, by } = attributes;
  const { namespace = "" } = object?.metadata ?? {};
  if (operation === "create" && kind.kind === "ResourceClaim")
    return adminProblems(deps, namespace, wantsAdmin((object as ResourceClaim).spec));
  if (operation === "create" && kind.kind === "ResourceClaimTemplate")
    return adminProblems(deps, namespace, wantsAdmin((object as ResourceClaimTemplate).spec.spec ?? {}));
  if (operation !== "update" || kind.kind !== "ResourceClaim" || by.subresource !== "status") return [];
  const next = (object as ResourceClaim).status ?? {};
  const old = (attributes.old as ResourceClaim).status ?? {};
  return [
    ...(getsAdmin(old) === undefined ? await adminProblems(deps, namespace, getsAdmin(next)) : []),
    ...(await bindingProblems(deps, attributes, { next, old })),
    ...(next.allocation === undefined ? [] : await driverProblems(deps, attributes, { next, old })),
  ];
}

/** The first field that asks for a device for administration. */
function wantsAdmin({ devices }: ResourceClaimSpec): string | undefined {
  const at = (devices?.requests ?? []).findIndex(({ exactly }) => exactly?.adminAccess === true);
  return at < 0 ? undefined : `spec.devices.requests[${at}].adminAccess`;
}

function getsAdmin({ allocation }: Status): string | undefined {
  const at = (allocation?.devices?.results ?? []).findIndex(({ adminAccess }) => adminAccess === true);
  return at < 0 ? undefined : `status.allocation.devices.results[${at}].adminAccess`;
}

async function adminProblems(
  deps: LookupDeps,
  namespace: string,
  field: string | undefined,
): Promise<readonly FieldError[]> {
  if (field === undefined) return [];
  const found = await storedObject(deps, { group: "", plural: "namespaces", namespace: "", name: namespace });
  if (found?.metadata.labels?.[adminLabel] === "true") return [];
  const text = `admin access to devices requires the \`${adminLabel}: true\` label on the containing namespace`;
  return [forbidden(field, text)];
}

interface Change {
  readonly next: Status;
  readonly old: Status;
}

async function bindingProblems(
  { authorizer }: DeviceRightsDeps,
  { by }: Attributes,
  { next, old }: Change,
): Promise<readonly FieldError[]> {
  if (sameValue(next.allocation, old.allocation) && sameValue(next.reservedFor ?? [], old.reservedFor ?? []))
    return [];
  const wanted = { ...claims, verb: by.verb, subresource: "binding", namespace: "", name: "" };
  const why = await refusalOf(authorizer, by.user, wanted);
  if (why === undefined) return [];
  const text = `changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="${by.verb}" permission: ${why}`;
  return [forbidden("status.allocation", text)];
}

async function driverProblems(
  { authorizer }: DeviceRightsDeps,
  { by, object }: Attributes,
  { next, old }: Change,
): Promise<readonly FieldError[]> {
  const isNear = isOnNode(by.user, allocatedNode(next));
  const verbs = [...(isNear ? ["associated-node"] : []), "arbitrary-node"].map((one) => `${one}:${by.verb}`);
  const problems: FieldError[] = [];
  for (const name of changedDrivers(next, old)) {
    const wanted = { ...claims, subresource: "driver", namespace: object?.metadata.namespace ?? "", name };
    let first: string | undefined;
    let isAllowed = false;
    for (const verb of verbs) {
      const why = await refusalOf(authorizer, by.user, { ...wanted, verb });
      if (why === undefined) isAllowed = true;
      first ??= why;
      if (isAllowed) break;
    }
    if (isAllowed) continue;
    const text = `changing status.devices requires resource="resourceclaims/driver", verb="[${verbs.join(" ")}]" permission: ${first}`;
    problems.push(forbidden("status.devices", text));
  }
  return problems;
}

const claims = { group, plural: "resourceclaims" };

async function refusalOf(
  authorizer: Authorizer,
  user: User,
  wanted: ResourceAttributes,
): Promise<string | undefined> {
  const { allowed, reason } = await authorizer(user, wanted);
  return allowed ? undefined : accessForbidden(user, wanted, reason).message;
}

/** Drivers of the devices that are reported on otherwise than before, sorted. */
function changedDrivers(next: Status, old: Status): readonly string[] {
  const before = new Map((old.devices ?? []).map((device) => [deviceId(device), device]));
  const drivers = new Set<string>();
  for (const device of next.devices ?? []) {
    const id = deviceId(device);
    if (!sameValue(before.get(id), device)) drivers.add(device.driver);
    before.delete(id);
  }
  for (const device of before.values()) drivers.add(device.driver);
  return [...drivers].sort();
}

/** The one node that the devices are on; undefined: none, or not one alone. */
function allocatedNode({ allocation }: Status): string | undefined {
  const [term, ...others] = allocation?.nodeSelector?.nodeSelectorTerms ?? [];
  const [field, ...more] = term?.matchFields ?? [];
  if (others.length > 0 || more.length > 0 || (term?.matchExpressions ?? []).length > 0) return undefined;
  const isName = field?.key === "metadata.name" && field.operator === "In" && field.values?.length === 1;
  return isName ? field.values?.[0] : undefined;
}

/** Is it a service account of a pod on that node? */
function isOnNode({ name, extra = {} }: User, node: string | undefined): boolean {
  const [own, ...others] = extra[nodeNameKey] ?? [];
  return node !== undefined && serviceAccountOf(name) !== undefined && own === node && others.length === 0;
}
