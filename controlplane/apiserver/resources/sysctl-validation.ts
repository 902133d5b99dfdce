import type { PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { duplicate, invalid, required } from "./field-errors.ts";

/** Of a pod's processes Kubernetes says so where it keeps the setting: in the security context at `field`. */
export function validateSharing(
  { hostPID, shareProcessNamespace }: PodSpec,
  field: string,
): readonly FieldError[] {
  if (hostPID !== true || shareProcessNamespace !== true) return [];
  const text = "ShareProcessNamespace and HostPID cannot both be enabled";
  return [invalid(`${field}.shareProcessNamespace`, true, text)];
}

const sysctlPattern = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
const wellFormedSysctl = new RegExp(sysctlPattern);
const maxSysctlLength = 253;

/** Names only; which sysctls a pod may set is each node's to say. */
export function validateSysctls({ securityContext }: PodSpec, field: string): readonly FieldError[] {
  const sysctls = securityContext?.sysctls ?? [];
  return sysctls.flatMap(({ name }, index) => {
    const at = `${field}[${index}].name`;
    if (!name) return [required(at)];
    if (name.length > maxSysctlLength || !wellFormedSysctl.test(name)) {
      const text = `must have at most ${maxSysctlLength} characters and match regex ${sysctlPattern}`;
      return [invalid(at, name, text)];
    }
    return sysctls.findIndex((one) => one.name === name) < index ? [duplicate(at, name)] : [];
  });
}
