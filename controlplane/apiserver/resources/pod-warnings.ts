import { dns1123Label } from "../../../client/rules/names.ts";
import type { Affinity, Pod, PodSpec, PodTemplateSpec } from "../../../client/types.ts";
import { ipWarnings } from "./address-warnings.ts";
import { fractionWarnings } from "./amount-warnings.ts";
import { containerWarnings } from "./container-warnings.ts";
import { keyWarning, nodeSelectorWarnings, nodeTermWarnings } from "./node-label-warnings.ts";
import { seccompPodKey } from "./seccomp-annotations.ts";
import { volumeWarnings } from "./volume-warnings.ts";

/** What Kubernetes tells whoever makes pods, or something that pods are made from, of what is allowed but hardly meant. */

type Annotations = NonNullable<Pod["metadata"]["annotations"]>;

const ofOld: Readonly<Record<string, string>> = {
  "scheduler.alpha.kubernetes.io/critical-pod":
    'non-functional in v1.16+; use the "priorityClassName" field instead',
  "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
  "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
};

export function podNameWarnings(name: string): readonly string[] {
  const problems = dns1123Label(name);
  const text =
    "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended";
  return problems.length === 0 ? [] : [`${text}: [${problems.join(" ")}]`];
}

/** Of the name of what makes pods. */
export function podOwnerNameWarnings(name: string): readonly string[] {
  const problems = dns1123Label(name);
  const text =
    "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended";
  return problems.length === 0 ? [] : [`${text}: [${problems.join(" ")}]`];
}

/** Of a pod template at `field`. */
export function templateWarnings(template: PodTemplateSpec | undefined, field: string): readonly string[] {
  return template?.spec === undefined
    ? []
    : warningsOf(template.spec, template.metadata?.annotations ?? {}, field);
}

interface Owner {
  readonly metadata: { readonly name: string; readonly generation?: number };
}

/** Of what makes pods from a template: of its name once, of the template whenever anything was wished for anew. */
export function ownerWarnings(
  next: Owner,
  current: Owner | undefined,
  warnings: readonly string[],
): readonly string[] {
  if (current === undefined) return [...podOwnerNameWarnings(next.metadata.name), ...warnings];
  return next.metadata.generation === current.metadata.generation ? [] : warnings;
}

function warningsOf(spec: PodSpec, annotations: Annotations, field: string): readonly string[] {
  const prefix = field === "" ? "" : `${field}.`;
  const at = `${prefix}spec`;
  const annotation = (key: string, text: string) =>
    annotations[key] === undefined ? [] : [`${prefix}metadata.annotations[${key}]: ${text}`];
  return [
    ...nodeSelectorWarnings(spec.nodeSelector, `${at}.nodeSelector`),
    ...nodeAffinityWarnings(spec.affinity?.nodeAffinity, `${at}.affinity.nodeAffinity`),
    ...spreadWarnings(spec, `${at}.topologySpreadConstraints`),
    ...Object.entries(ofOld).flatMap(([key, text]) => annotation(key, text)),
    ...volumeWarnings(spec.volumes ?? [], `${at}.volumes`),
    ...twice(spec.hostAliases ?? [], "ip", `${at}.hostAliases`),
    ...twice(spec.imagePullSecrets ?? [], "name", `${at}.imagePullSecrets`),
    ...(spec.imagePullSecrets ?? []).flatMap(({ name = "" }, index) =>
      name === "" ? [`${at}.imagePullSecrets[${index}].name: invalid empty name ""`] : [],
    ),
    ...fractionWarnings(spec.overhead, ["memory", "ephemeral-storage"], `${at}.overhead`),
    ...(spec.securityContext?.seccompProfile === undefined
      ? annotation(seccompPodKey, 'non-functional in v1.27+; use the "seccompProfile" field instead')
      : []),
    ...containerWarnings(spec, annotations, field),
    ...((spec.terminationGracePeriodSeconds ?? 0) < 0
      ? [
          `${at}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`,
        ]
      : []),
    ...podAffinityWarnings(spec.affinity, `${at}.affinity`),
    ...(spec.dnsConfig?.nameservers ?? []).flatMap((server, index) =>
      ipWarnings(server, `${at}.dnsConfig.nameservers[${index}]`),
    ),
    ...(spec.hostAliases ?? []).flatMap(({ ip }, index) => ipWarnings(ip, `${at}.hostAliases[${index}].ip`)),
  ];
}

function nodeAffinityWarnings(affinity: Affinity["nodeAffinity"], field: string): readonly string[] {
  const required = "requiredDuringSchedulingIgnoredDuringExecution";
  const preferred = "preferredDuringSchedulingIgnoredDuringExecution";
  return [
    ...(affinity?.[required]?.nodeSelectorTerms ?? []).flatMap((term, index) =>
      nodeTermWarnings(term, `${field}.${required}.nodeSelectorTerms[${index}]`, { isPreference: false }),
    ),
    ...(affinity?.[preferred] ?? []).flatMap(({ preference }, index) =>
      nodeTermWarnings(preference, `${field}.${preferred}[${index}].preference`, { isPreference: true }),
    ),
  ];
}

const noPod = "a null labelSelector results in matching no pod";

function spreadWarnings({ topologySpreadConstraints = [] }: PodSpec, field: string): readonly string[] {
  return topologySpreadConstraints.flatMap(({ topologyKey, labelSelector }, index) => [
    ...keyWarning(topologyKey, `${field}[${index}].topologyKey`),
    ...(labelSelector === undefined ? [`${field}[${index}].labelSelector: ${noPod}`] : []),
  ]);
}

function podAffinityWarnings(affinity: Affinity | undefined, field: string): readonly string[] {
  return (["podAffinity", "podAntiAffinity"] as const).flatMap((name) => {
    const required = "requiredDuringSchedulingIgnoredDuringExecution";
    const preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    const at = `${field}.${name}`;
    return [
      ...(affinity?.[name]?.[required] ?? []).flatMap(({ labelSelector }, index) =>
        labelSelector === undefined ? [`${at}.${required}[${index}].labelSelector: ${noPod}`] : [],
      ),
      ...(affinity?.[name]?.[preferred] ?? []).flatMap(({ podAffinityTerm }, index) =>
        podAffinityTerm.labelSelector === undefined
          ? [`${at}.${preferred}[${index}].podAffinityTerm.labelSelector: ${noPod}`]
          : [],
      ),
    ];
  });
}

function twice<K extends string>(
  items: readonly { readonly [name in K]?: string }[],
  name: K,
  field: string,
): readonly string[] {
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    const value = item[name] ?? "";
    const isAgain = seen.has(value);
    seen.add(value);
    return isAgain ? [`${field}[${index}].${name}: duplicate ${name} ${JSON.stringify(value)}`] : [];
  });
}
