import type { Container, PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { GoForm } from "../schema/go-form.ts";
import { invalid, notSupported, required, tooLong } from "./field-errors.ts";
import { validateSharing, validateSysctls } from "./sysctl-validation.ts";
import { validateWindowsOptions } from "./windows-options-validation.ts";

type ContainerSecurity = NonNullable<Container["securityContext"]>;
type PodSecurity = NonNullable<PodSpec["securityContext"]>;

const profileTypes = ["Localhost", "RuntimeDefault", "Unconfined"];
const idMost = 2 ** 31 - 1;

/** `securityContext` of a container, in the order in which Kubernetes looks. */
export function validateContainerSecurity(
  security: ContainerSecurity | undefined,
  field: string,
  hostUsers: boolean,
): readonly FieldError[] {
  if (security === undefined) return [];
  const { runAsUser, runAsGroup, allowPrivilegeEscalation, privileged, capabilities } = security;
  const problems: FieldError[] = [
    ...validateId(runAsUser, `${field}.runAsUser`),
    ...validateId(runAsGroup, `${field}.runAsGroup`),
    ...validateProcMount(security.procMount, `${field}.procMount`, hostUsers),
    ...validateSeccomp(security.seccompProfile, `${field}.seccompProfile`),
  ];
  if (allowPrivilegeEscalation === false) {
    const refuse = (what: string) =>
      problems.push(
        invalid(
          field,
          new GoForm("core.SecurityContext", security),
          `cannot set \`allowPrivilegeEscalation\` to false and ${what}`,
        ),
      );
    if (privileged) refuse("`privileged` to true");
    for (const name of capabilities?.add ?? [])
      if (name === "CAP_SYS_ADMIN") refuse("`capabilities.Add` CAP_SYS_ADMIN");
  }
  return [
    ...problems,
    ...validateWindowsOptions(security.windowsOptions, `${field}.windowsOptions`),
    ...validateAppArmor(security.appArmorProfile, `${field}.appArmorProfile`),
  ];
}

/** `securityContext` of a pod: users and profiles. */
export function validatePodSecurity(spec: PodSpec, field: string): readonly FieldError[] {
  const security: PodSecurity = spec.securityContext ?? {};
  return [
    ...validateId(security.fsGroup, `${field}.fsGroup`),
    ...validateId(security.runAsUser, `${field}.runAsUser`),
    ...validateId(security.runAsGroup, `${field}.runAsGroup`),
    ...(security.supplementalGroups ?? []).flatMap((id, index) =>
      validateId(id, `${field}.supplementalGroups[${index}]`),
    ),
    ...validateSharing(spec, field),
    ...validateSysctls(spec, `${field}.sysctls`),
    ...oneOf(security.fsGroupChangePolicy, `${field}.fsGroupChangePolicy`, ["Always", "OnRootMismatch"]),
    ...validateSeccomp(security.seccompProfile, `${field}.seccompProfile`),
    ...validateWindowsOptions(security.windowsOptions, `${field}.windowsOptions`),
    ...validateAppArmor(security.appArmorProfile, `${field}.appArmorProfile`),
    ...oneOf(security.supplementalGroupsPolicy, `${field}.supplementalGroupsPolicy`, ["Merge", "Strict"]),
    // Another needs the feature SELinuxMount, which is off.
    ...oneOf(security.seLinuxChangePolicy, `${field}.seLinuxChangePolicy`, ["Recursive"]),
  ];
}

function oneOf(value: string | undefined, field: string, supported: readonly string[]): FieldError[] {
  return value === undefined || supported.includes(value) ? [] : [notSupported(field, value, supported)];
}

function validateProcMount(
  type: string | undefined,
  field: string,
  hostUsers: boolean,
): readonly FieldError[] {
  if (type === "Unmasked" && hostUsers)
    return [invalid(field, type, "`hostUsers` must be false to use `Unmasked`")];
  return oneOf(type, field, ["Default", "Unmasked"]);
}

function validateId(id: number | undefined, field: string): readonly FieldError[] {
  if (id === undefined || (id >= 0 && id <= idMost)) return [];
  return [invalid(field, id, `must be between 0 and ${idMost}, inclusive`)];
}

function validateSeccomp(profile: ContainerSecurity["seccompProfile"], field: string): readonly FieldError[] {
  if (profile === undefined) return [];
  const { type, localhostProfile: path } = profile;
  const at = `${field}.localhostProfile`;
  const problems: FieldError[] = [];
  if (!type) problems.push(required(`${field}.type`, "type is required when seccompProfile is set"));
  else if (!profileTypes.includes(type)) problems.push(notSupported(`${field}.type`, type, profileTypes));
  if (type !== "Localhost") {
    const shown = new GoForm("core.SeccompProfile", profile);
    if (path !== undefined)
      problems.push(invalid(at, shown, "can only be set when seccomp type is Localhost"));
    return problems;
  }
  if (path === undefined) return [required(at, "must be set when seccomp type is Localhost")];
  if (path.startsWith("/")) problems.push(invalid(at, path, "must be a relative path"));
  if (path.split("/").includes("..")) problems.push(invalid(at, path, "must not contain '..'"));
  return problems;
}

/** PATH_MAX without its end. */
const appArmorBytesMax = 4095;

function validateAppArmor(
  profile: ContainerSecurity["appArmorProfile"],
  field: string,
): readonly FieldError[] {
  if (profile === undefined) return [];
  const { type, localhostProfile: name } = profile;
  const at = `${field}.localhostProfile`;
  if (!type) return [required(`${field}.type`, "type is required when appArmorProfile is set")];
  if (!profileTypes.includes(type)) return [notSupported(`${field}.type`, type, profileTypes)];
  if (type !== "Localhost")
    return name === undefined ? [] : [invalid(at, name, "can only be set when AppArmor type is Localhost")];
  if (name === undefined || name === "") return [required(at, "must be set when AppArmor type is Localhost")];
  const problems: FieldError[] = [];
  if (name.trim() !== name) problems.push(invalid(at, name, "must not be padded with whitespace"));
  if (Buffer.byteLength(name) > appArmorBytesMax) problems.push(tooLong(at, appArmorBytesMax));
  return problems;
}
