import type {
  ParamKind,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from "../../../client/types.ts";
import { type Attributes, type Plugin, where } from "../admission/admission.ts";
import { type LookupDeps, storedObject } from "../admission/stored-lookup.ts";
import { invalid } from "../api-error.ts";
import type { User } from "../filters/authentication.ts";
import type { ResourceAttributes } from "../filters/authorization.ts";
import { type Authorizer, superuserGroup } from "../filters/authorizer.ts";
import { forbidden } from "../resources/field-errors.ts";
import { sameValue } from "../schema/same-value.ts";

export type RightsDeps = LookupDeps & { readonly authorizer: Authorizer };

const group = "admissionregistration.k8s.io";

/** Nobody reads through a policy what they may not read: its messages can show its params. Who names a kind of params in a policy
 *  must be allowed to get all its objects, who names params in a binding to get those, or to list what it selects. Part of
 *  storing these kinds, not a plugin: it cannot be switched off. (Kubernetes' strategies of both.) */
export function paramRights(deps: RightsDeps): Plugin {
  return {
    validate: where(
      ({ kind }) => kind.group === group,
      async (attributes) => {
        const { kind, object, by } = attributes;
        if (object === undefined || by.subresource !== "") return;
        if (by.user.groups.includes(superuserGroup)) return;
        const why = kind.kind.endsWith("AdmissionPolicy")
          ? await policyProblem(deps, attributes)
          : kind.kind.endsWith("AdmissionPolicyBinding")
            ? await bindingProblem(deps, attributes)
            : undefined;
        if (why === undefined) return;
        const field = kind.kind.endsWith("AdmissionPolicy") ? "spec.paramKind" : "spec.paramRef";
        throw invalid(kind, object.metadata.name, [forbidden(field, why)]);
      },
    ),
  };
}

async function policyProblem(deps: RightsDeps, { object, old, by }: Attributes): Promise<string | undefined> {
  const paramKind = (object as ValidatingAdmissionPolicy).spec?.paramKind;
  if (paramKind === undefined) return undefined;
  if (old !== undefined && sameValue((old as ValidatingAdmissionPolicy).spec?.paramKind, paramKind))
    return undefined;
  const wanted = { ...resourceOf(deps, paramKind), namespace: "*", name: "*", verb: "get" };
  if ((await deps.authorizer(by.user, wanted)).allowed) return undefined;
  const { kind, apiVersion } = paramKind;
  return `user ${shownUser(by.user)} must have "get" permission on all objects of the referenced paramKind (kind=${kind}, apiVersion=${apiVersion})`;
}

async function bindingProblem(
  deps: RightsDeps,
  { kind, object, old, by }: Attributes,
): Promise<string | undefined> {
  const { paramRef, policyName = "" } = (object as ValidatingAdmissionPolicyBinding).spec ?? {};
  if (paramRef === undefined) return undefined;
  const { paramRef: oldRef, policyName: oldName } =
    (old as ValidatingAdmissionPolicyBinding | undefined)?.spec ?? {};
  if (sameValue(oldRef, paramRef) && oldName === policyName) return undefined;
  const plural = kind.plural.startsWith("mutating")
    ? "mutatingadmissionpolicies"
    : "validatingadmissionpolicies";
  const named = { group, plural, namespace: "", name: policyName };
  const policy = (await storedObject(deps, named)) as ValidatingAdmissionPolicy | undefined;
  const { name = "", namespace = "" } = paramRef;
  const verb = name === "" ? "list" : "get";
  const resource = resourceOf(deps, policy?.spec?.paramKind);
  if ((await deps.authorizer(by.user, { ...resource, namespace, name, verb })).allowed) return undefined;
  const user = shownUser(by.user);
  if (policy === undefined)
    return `unable to get policy ${policyName} to determine minimum required permissions and user ${user} does not have "${verb}" permission for all groups, versions and resources`;
  return `user ${user} does not have "${verb}" permission on the object referenced by paramRef`;
}

/** All resources, where it is not known which one is meant. */
function resourceOf(
  { kinds }: LookupDeps,
  paramKind: ParamKind | undefined,
): Omit<ResourceAttributes, "verb" | "namespace" | "name"> {
  if (paramKind === undefined) return { group: "*", plural: "*", subresource: "" };
  const { apiVersion = "", kind = "" } = paramKind;
  const slash = apiVersion.indexOf("/");
  const served = kinds.byKind(apiVersion, kind);
  return {
    group: slash < 0 ? "" : apiVersion.slice(0, slash),
    plural: served?.plural ?? "*",
    subresource: "",
  };
}

/** As Go prints who somebody is. */
function shownUser({ name, uid = "", groups, extra = {} }: User): string {
  const more = Object.keys(extra)
    .sort()
    .map((key) => `${key}:[${extra[key]?.join(" ")}]`);
  return `&{${name} ${uid} [${groups.join(" ")}] map[${more.join(" ")}]}`;
}
