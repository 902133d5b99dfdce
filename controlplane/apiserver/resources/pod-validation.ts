import type { PodSpec, Toleration } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { ipAddress } from "./addresses.ts";
import { validateContainer } from "./container-validation.ts";
import { duplicate, invalid, notSupported, required } from "./field-errors.ts";
import { validateLabelSelector, validateLabels } from "./labels.ts";
import type { VolumesByName } from "./mount-validation.ts";
import { dns1123Label, dns1123Subdomain, qualifiedName } from "./names.ts";
import { validateHostProcess, validateOs } from "./os-validation.ts";
import { validateHostnameOverride, validateHostUsers } from "./pod-host-validation.ts";
import { validatePodSecurity } from "./security-context-validation.ts";
import { validateVolumes } from "./volume-validation.ts";

const restartPolicies = ["Always", "Never", "OnFailure"];
const dnsPolicies = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];
const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/** A pod spec at `field`, of a pod or of a template. */
export function validatePodSpec(spec: PodSpec, field: string): readonly FieldError[] {
  if (spec === undefined) return [required(`${field}.containers`)];
  const volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume]));
  const problems: FieldError[] = [
    ...validateVolumes(spec.volumes ?? [], `${field}.volumes`),
    ...validateContainers(spec, field, volumes),
    ...validatePolicies(spec, field),
    ...validateLabels(spec.nodeSelector, `${field}.nodeSelector`),
    ...validatePlacement(spec, field),
    ...validatePodSecurity(spec.securityContext, `${field}.securityContext`),
    ...validateHostProcess(spec, field),
    ...validateHostUsers(spec, field),
    ...validateHostnameOverride(spec, field),
  ];
  for (const name of ["serviceAccountName", "nodeName", "priorityClassName", "runtimeClassName"] as const) {
    const value = spec[name];
    if (value)
      problems.push(...dns1123Subdomain(value).map((text) => invalid(`${field}.${name}`, value, text)));
  }
  for (const name of ["hostname", "subdomain"] as const) {
    const value = spec[name];
    if (value) problems.push(...dns1123Label(value).map((text) => invalid(`${field}.${name}`, value, text)));
  }
  const { activeDeadlineSeconds: deadline } = spec;
  if (deadline !== undefined && (deadline < 1 || deadline > 2 ** 31 - 1))
    problems.push(
      invalid(`${field}.activeDeadlineSeconds`, deadline, "must be between 1 and 2147483647, inclusive"),
    );
  const { terminationGracePeriodSeconds: grace } = spec;
  if (grace !== undefined && grace < 0)
    problems.push(
      invalid(`${field}.terminationGracePeriodSeconds`, grace, "must be greater than or equal to 0"),
    );
  problems.push(...validateOs(spec, field));
  return problems;
}

function validateContainers(spec: PodSpec, field: string, volumes: VolumesByName): readonly FieldError[] {
  const problems: FieldError[] = [];
  const names = new Set<string>();
  const hostPorts = new Set<string>();
  const context = { spec, volumes, hostNetwork: spec.hostNetwork === true, hostPorts };
  for (const sort of ["containers", "initContainers"] as const) {
    for (const [index, container] of (spec[sort] ?? []).entries()) {
      const at = `${field}.${sort}[${index}]`;
      problems.push(...validateContainer(container, at, { ...context, init: sort === "initContainers" }));
      if (names.has(container.name)) problems.push(duplicate(`${at}.name`, container.name));
      names.add(container.name);
    }
  }
  if ((spec.containers ?? []).length === 0) problems.push(required(`${field}.containers`));
  return problems;
}

function validatePolicies(spec: PodSpec, field: string): readonly FieldError[] {
  const problems: FieldError[] = [];
  const { restartPolicy, dnsPolicy } = spec;
  if (!restartPolicy) problems.push(required(`${field}.restartPolicy`));
  else if (!restartPolicies.includes(restartPolicy))
    problems.push(notSupported(`${field}.restartPolicy`, restartPolicy, restartPolicies));
  if (!dnsPolicy) problems.push(required(`${field}.dnsPolicy`));
  else if (!dnsPolicies.includes(dnsPolicy))
    problems.push(notSupported(`${field}.dnsPolicy`, dnsPolicy, dnsPolicies));
  if (dnsPolicy === "None" && (spec.dnsConfig?.nameservers ?? []).length === 0) {
    const text = "must provide at least one DNS nameserver when `dnsPolicy` is None";
    problems.push(required(`${field}.dnsConfig.nameservers`, text));
  }
  problems.push(...validateHostAliases(spec, `${field}.hostAliases`));
  problems.push(...validateSysctls(spec, `${field}.securityContext.sysctls`));
  for (const [index, address] of (spec.dnsConfig?.nameservers ?? []).entries())
    problems.push(...ipAddress(`${field}.dnsConfig.nameservers[${index}]`, address));
  if (spec.hostPID === true && spec.shareProcessNamespace === true) {
    const text = "ShareProcessNamespace and HostPID cannot both be enabled";
    problems.push(invalid(`${field}.securityContext.shareProcessNamespace`, true, text));
  }
  return problems;
}

const sysctlPattern = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
const wellFormedSysctl = new RegExp(sysctlPattern);
const maxSysctlLength = 253;

/** Names only; which sysctls a pod may set is each node's to say. */
function validateSysctls({ securityContext }: PodSpec, field: string): readonly FieldError[] {
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

function validateHostAliases({ hostAliases = [] }: PodSpec, field: string): readonly FieldError[] {
  return hostAliases.flatMap(({ ip, hostnames = [] }, index) => [
    ...ipAddress(`${field}[${index}].ip`, ip),
    ...hostnames.flatMap((name, at) =>
      dns1123Subdomain(name).map((text) => invalid(`${field}[${index}].hostnames[${at}]`, name, text)),
    ),
  ]);
}

function validatePlacement(spec: PodSpec, field: string): readonly FieldError[] {
  const problems: FieldError[] = [];
  for (const [index, one] of (spec.tolerations ?? []).entries())
    problems.push(...validateToleration(one, `${field}.tolerations[${index}]`));
  for (const [index, one] of (spec.topologySpreadConstraints ?? []).entries()) {
    const at = `${field}.topologySpreadConstraints[${index}]`;
    if (one.maxSkew <= 0) problems.push(invalid(`${at}.maxSkew`, one.maxSkew, "must be greater than zero"));
    if (!one.topologyKey) problems.push(required(`${at}.topologyKey`, "can not be empty"));
    if (one.whenUnsatisfiable !== "DoNotSchedule" && one.whenUnsatisfiable !== "ScheduleAnyway")
      problems.push(
        notSupported(`${at}.whenUnsatisfiable`, one.whenUnsatisfiable, ["DoNotSchedule", "ScheduleAnyway"]),
      );
    problems.push(...validateLabelSelector(one.labelSelector, `${at}.labelSelector`));
  }
  problems.push(...validateAffinity(spec, `${field}.affinity`));
  return problems;
}

function validateToleration(toleration: Toleration, field: string): readonly FieldError[] {
  const { key = "", operator = "Equal", value = "", effect = "", tolerationSeconds } = toleration;
  const problems: FieldError[] = [];
  if (key !== "") problems.push(...qualifiedName(key).map((text) => invalid(`${field}.key`, key, text)));
  if (key === "" && operator !== "Exists") {
    const text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    problems.push(invalid(`${field}.operator`, operator, text));
  }
  if (tolerationSeconds !== undefined && effect !== "NoExecute")
    problems.push(
      invalid(`${field}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"),
    );
  if (operator === "Exists") {
    if (value !== "")
      problems.push(
        invalid(`${field}.operator`, toleration, "value must be empty when `operator` is 'Exists'"),
      );
  } else if (operator !== "Equal")
    problems.push(notSupported(`${field}.operator`, operator, ["Equal", "Exists"]));
  if (effect !== "" && !effects.includes(effect))
    problems.push(notSupported(`${field}.effect`, effect, effects));
  return problems;
}

const nodeOperators = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"];

function validateAffinity({ affinity }: PodSpec, field: string): readonly FieldError[] {
  const problems: FieldError[] = [];
  const node = affinity?.nodeAffinity;
  const wanted = node?.requiredDuringSchedulingIgnoredDuringExecution;
  const wantedAt = `${field}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
  if (wanted !== undefined && (wanted.nodeSelectorTerms ?? []).length === 0)
    problems.push(required(wantedAt, "must have at least one node selector term"));
  for (const [index, term] of (wanted?.nodeSelectorTerms ?? []).entries()) {
    for (const [at, { operator, values = [] }] of (term.matchExpressions ?? []).entries()) {
      const where = `${wantedAt}[${index}].matchExpressions[${at}]`;
      if (!nodeOperators.includes(operator))
        problems.push(invalid(`${where}.operator`, operator, "not a valid selector operator"));
      else if ((operator === "In" || operator === "NotIn") && values.length === 0)
        problems.push(required(`${where}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    }
  }
  for (const kind of ["podAffinity", "podAntiAffinity"] as const) {
    const terms = affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    for (const [index, term] of terms.entries()) {
      const at = `${field}.${kind}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`;
      if (!term.topologyKey) problems.push(required(`${at}.topologyKey`, "can not be empty"));
      problems.push(...validateLabelSelector(term.labelSelector, `${at}.labelSelector`));
    }
  }
  return problems;
}
