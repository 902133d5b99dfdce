import { dns1123Label, dns1123Subdomain, qualifiedName } from "../../../client/rules/names.ts";
import type { PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { ipAddress } from "./addresses.ts";
import { validateAffinity } from "./affinity-validation.ts";
import { validateResources } from "./container-resources.ts";
import { validateContainer } from "./container-validation.ts";
import { validateDns } from "./dns-validation.ts";
import { validateEphemeralContainers } from "./ephemeral-containers.ts";
import { duplicate, forbidden, invalid, notSupported, required } from "./field-errors.ts";
import { validateLabels } from "./labels.ts";
import { validateHostProcess, validateOs } from "./os-validation.ts";
import { validateSpread, validateTolerations } from "./placement-validation.ts";
import { validateHostnameOverride, validateHostPorts, validateHostUsers } from "./pod-host-validation.ts";
import { validatePodResources, validateResourceClaims } from "./pod-resources-validation.ts";
import { validatePodSecurity } from "./security-context-validation.ts";
import { validateVolumes } from "./volume-validation.ts";

const restartPolicies = ["Always", "OnFailure", "Never"];
const preemptionPolicies = ["PreemptLowerPriority", "Never"];

/** A pod spec at `field`, of a pod or of a template; in Kubernetes' order. */
export function validatePodSpec(
  spec: PodSpec,
  field: string,
  options: { readonly isPod: boolean } = { isPod: false },
): readonly FieldError[] {
  if (spec === undefined) return [required(`${field}.containers`)];
  return [
    ...validateVolumes(spec.volumes ?? [], `${field}.volumes`, options),
    ...validateResourceClaims(spec.resourceClaims, `${field}.resourceClaims`),
    ...validateContainers(spec, field, options),
    ...validatePodResources(spec, `${field}.resources`),
    ...validateHostPorts(spec, field, options),
    ...validateRestartPolicy(spec, `${field}.restartPolicy`),
    ...validateDns(spec, field),
    ...validateLabels(spec.nodeSelector, `${field}.nodeSelector`),
    ...validatePodSecurity(spec, `${field}.securityContext`),
    ...validateAffinity(spec.affinity, `${field}.affinity`),
    ...validateGates(spec, field),
    ...validateSpread(spec.topologySpreadConstraints, `${field}.topologySpreadConstraints`),
    ...validateHostProcess(spec, field),
    ...validateHostUsers(spec, field),
    ...validateNames(spec, field),
    ...validateTimes(spec, field),
    ...validateTolerations(spec.tolerations, `${field}.tolerations`),
    ...validateHostAliases(spec, `${field}.hostAliases`),
    ...(spec.preemptionPolicy === undefined || preemptionPolicies.includes(spec.preemptionPolicy)
      ? []
      : [notSupported(`${field}.preemptionPolicy`, spec.preemptionPolicy, preemptionPolicies)]),
    ...(spec.overhead === undefined
      ? []
      : validateResources({ limits: spec.overhead }, `${field}.overhead`, [])),
    ...validateOs(spec, field),
    ...(options.isPod && !spec.serviceAccountName ? tokensWithoutAccount(spec, field) : []),
  ];
}

function validateContainers(
  spec: PodSpec,
  field: string,
  { isPod }: { readonly isPod: boolean },
): readonly FieldError[] {
  const problems: FieldError[] = [];
  const names = new Set<string>();
  const hostPorts = new Set<string>();
  const context = {
    spec,
    volumes: new Map((spec.volumes ?? []).map((volume) => [volume.name, volume])),
    isPod,
    hostPorts,
  };
  for (const sort of ["containers", "initContainers"] as const) {
    for (const [index, container] of (spec[sort] ?? []).entries()) {
      const at = `${field}.${sort}[${index}]`;
      problems.push(...validateContainer(container, at, { ...context, init: sort === "initContainers" }));
      if (names.has(container.name)) problems.push(duplicate(`${at}.name`, container.name));
      names.add(container.name);
    }
  }
  problems.push(...validateEphemeralContainers(spec, `${field}.ephemeralContainers`, context));
  if ((spec.containers ?? []).length === 0) problems.push(required(`${field}.containers`));
  return problems;
}

function validateRestartPolicy({ restartPolicy }: PodSpec, field: string): readonly FieldError[] {
  if (!restartPolicy) return [required(field)];
  if (restartPolicies.includes(restartPolicy)) return [];
  return [notSupported(field, restartPolicy, restartPolicies)];
}

function validateGates({ readinessGates, schedulingGates }: PodSpec, field: string): readonly FieldError[] {
  return [
    ...(readinessGates ?? []).flatMap(({ conditionType }, index) =>
      qualifiedName(conditionType).map((text) =>
        invalid(`${field}.readinessGates[${index}].conditionType`, conditionType, text),
      ),
    ),
    ...(schedulingGates ?? []).flatMap(({ name }, index, all) => {
      const at = `${field}.schedulingGates[${index}]`;
      const again = all.findIndex((one) => one.name === name) < index;
      return [
        ...qualifiedName(name).map((text) => invalid(at, name, text)),
        ...(again ? [duplicate(at, name)] : []),
      ];
    }),
  ];
}

export function validateNames(spec: PodSpec, field: string): readonly FieldError[] {
  const problems: FieldError[] = [...validateHostnameOverride(spec, field)];
  for (const name of ["serviceAccountName", "nodeName", "priorityClassName", "runtimeClassName"] as const) {
    const value = spec[name];
    if (value)
      problems.push(...dns1123Subdomain(value).map((text) => invalid(`${field}.${name}`, value, text)));
  }
  for (const name of ["hostname", "subdomain"] as const) {
    const value = spec[name];
    if (value) problems.push(...dns1123Label(value).map((text) => invalid(`${field}.${name}`, value, text)));
  }
  return problems;
}

function validateTimes(spec: PodSpec, field: string): readonly FieldError[] {
  const { activeDeadlineSeconds: deadline } = spec;
  if (deadline === undefined || (deadline >= 1 && deadline <= 2 ** 31 - 1)) return [];
  return [invalid(`${field}.activeDeadlineSeconds`, deadline, "must be between 1 and 2147483647, inclusive")];
}

function tokensWithoutAccount({ volumes }: PodSpec, field: string): readonly FieldError[] {
  return (volumes ?? []).flatMap(({ projected }, index) =>
    (projected?.sources ?? []).flatMap(({ serviceAccountToken }, source) => {
      if (serviceAccountToken === undefined) return [];
      const at = `${field}.volumes[${index}].projected.sources[${source}].serviceAccountToken`;
      return [forbidden(at, "must not be specified when serviceAccountName is not set")];
    }),
  );
}

function validateHostAliases({ hostAliases = [] }: PodSpec, field: string): readonly FieldError[] {
  return hostAliases.flatMap(({ ip = "", hostnames = [] }, index) => [
    ...ipAddress(`${field}[${index}].ip`, ip),
    ...hostnames.flatMap((name, at) =>
      dns1123Subdomain(name).map((text) => invalid(`${field}[${index}].hostnames[${at}]`, name, text)),
    ),
  ]);
}
