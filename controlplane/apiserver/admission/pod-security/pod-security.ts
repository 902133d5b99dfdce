import type { KubeObject, Pod, PodSpec, PodTemplateSpec } from "../../../../client/types.ts";
import { invalid } from "../../api-error.ts";
import { invalid as invalidField } from "../../resources/field-errors.ts";
import { type Attributes, admittedNamespace, type Plugin, refusal } from "../admission.ts";
import { type LookupDeps, storedObject, storedObjects } from "../stored-lookup.ts";
import type { CheckedPod } from "./check.ts";
import type { PodSecurityConfiguration } from "./configuration.ts";
import { detailText, violations } from "./evaluate.ts";
import { isFullyPrivileged, labelPrefix, levelText, type Policy, policyOf } from "./levels.ts";
import { exemptNamespaceWarning, wantsCheck, warningsOfPods } from "./namespace-change.ts";
import { countedAs, countedPolicy, type PodSecurityMetrics } from "./pod-security-metrics.ts";

/** Doors to a pod through which its spec does not change. */
const otherDoors: ReadonlySet<string> = new Set(
  "exec attach binding eviction log portforward proxy status".split(" "),
);

/** Where the kinds that make pods keep the pods' template. */
const templates: Readonly<Record<string, (object: KubeObject) => unknown>> = {
  podtemplates: (object) => object.template,
  replicationcontrollers: ({ spec }) => (spec as Holder).template,
  "replicasets.apps": ({ spec }) => (spec as Holder).template,
  "deployments.apps": ({ spec }) => (spec as Holder).template,
  "statefulsets.apps": ({ spec }) => (spec as Holder).template,
  "daemonsets.apps": ({ spec }) => (spec as Holder).template,
  "jobs.batch": ({ spec }) => (spec as Holder).template,
  "cronjobs.batch": ({ spec }) => (spec as { jobTemplate: { spec: Holder } }).jobTemplate.spec.template,
};
interface Holder {
  readonly template?: PodTemplateSpec;
}

export interface PodSecurityDeps extends LookupDeps {
  readonly podSecurity: PodSecurityConfiguration;
  readonly podSecurityCounts: PodSecurityMetrics;
}

/** Kubernetes' PodSecurity: the labels of a namespace say what its pods may ask for. Pods are refused; of what makes pods, and
 *  of pods that are there when the labels change, the user is warned. */
export function podSecurity(deps: PodSecurityDeps): Plugin {
  return {
    validate: (attributes) => {
      const { kind, operation, by } = attributes;
      if (operation !== "create" && operation !== "update") return undefined;
      const resource = kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;
      if (resource === "pods")
        return otherDoors.has(by.subresource) ? undefined : validatePod(deps, attributes);
      if (by.subresource !== "") return undefined;
      if (resource === "namespaces") return validateNamespace(deps, attributes);
      return Object.hasOwn(templates, resource) ? validateWorkload(deps, attributes, resource) : undefined;
    },
  };
}

async function validatePod(deps: PodSecurityDeps, attributes: Attributes): Promise<void> {
  if (isExempt(deps, attributes)) return;
  const { policy, policyProblem } = await namespacePolicy(deps, attributes);
  if (policyProblem === undefined && isFullyPrivileged(policy)) {
    annotate(attributes, "enforce-policy", "privileged:latest");
    counted(deps, attributes, "allow", { mode: "enforce", policy: policy.enforce });
    return;
  }
  const pod = attributes.object as Pod;
  if (attributes.old !== undefined && !isOfWeight(pod, attributes.old as Pod)) return;
  const checked = { annotations: pod.metadata.annotations ?? {}, spec: pod.spec };
  evaluate(deps, attributes, { policy, policyProblem, checked, enforces: true });
}

async function validateWorkload(
  deps: PodSecurityDeps,
  attributes: Attributes,
  resource: string,
): Promise<void> {
  if (isExempt(deps, attributes)) return;
  const { policy, policyProblem } = await namespacePolicy(deps, attributes);
  const { warn, audit } = policy;
  if (policyProblem === undefined && warn.level === "privileged" && audit.level === "privileged") return;
  const template = templates[resource]?.(attributes.object as KubeObject) as PodTemplateSpec | undefined;
  if (template?.spec === undefined) return;
  const checked = { annotations: template.metadata?.annotations ?? {}, spec: template.spec as PodSpec };
  evaluate(deps, attributes, { policy, policyProblem, checked, enforces: false });
}

interface Evaluated {
  readonly policy: Policy;
  readonly policyProblem: string | undefined;
  readonly checked: CheckedPod;
  readonly enforces: boolean;
}

function evaluate(
  deps: PodSecurityDeps,
  attributes: Attributes,
  { policy, policyProblem, checked, enforces }: Evaluated,
): void {
  const { exemptRuntimeClasses } = deps.podSecurity;
  const { runtimeClassName } = checked.spec;
  if (runtimeClassName && exemptRuntimeClasses.includes(runtimeClassName)) {
    exempted(deps, attributes, "runtimeClass");
    return;
  }
  if (policyProblem !== undefined) {
    annotate(attributes, "error", `Failed to parse policy: ${policyProblem}`);
    deps.podSecurityCounts.errors.of({ fatal: "false", ...countedAs(attributes) }).count++;
  }
  const tell = (mode: keyof Policy, decision: "allow" | "deny") =>
    counted(deps, attributes, decision, { mode, policy: policy[mode] });
  const said = (mode: keyof Policy) => {
    const found = violations(policy[mode], checked);
    return found.length === 0
      ? undefined
      : `PodSecurity ${JSON.stringify(levelText(policy[mode]))}: ${detailText(found)}`;
  };
  const enforced = enforces ? said("enforce") : undefined;
  if (enforces) {
    annotate(attributes, "enforce-policy", levelText(policy.enforce));
    tell("enforce", enforced === undefined ? "allow" : "deny");
  }
  const audited = said("audit");
  if (audited !== undefined) {
    annotate(attributes, "audit-violations", `would violate ${audited}`);
    tell("audit", "deny");
  }
  if (enforced !== undefined) throw refusal(attributes, `violates ${enforced}`);
  const warned = said("warn");
  if (warned === undefined) return;
  attributes.by.warn(`would violate ${warned}`);
  tell("warn", "deny");
}

function counted(
  { podSecurityCounts }: PodSecurityDeps,
  attributes: Attributes,
  decision: "allow" | "deny",
  { mode, policy }: { readonly mode: keyof Policy; readonly policy: Policy[keyof Policy] },
): void {
  const labels = { decision, ...countedPolicy(policy), mode, ...countedAs(attributes) };
  podSecurityCounts.evaluations.of(labels).count++;
}

function exempted({ podSecurityCounts }: PodSecurityDeps, attributes: Attributes, why: string): void {
  annotate(attributes, "exempt", why);
  podSecurityCounts.exemptions.of(countedAs(attributes)).count++;
}

function isExempt(deps: PodSecurityDeps, attributes: Attributes): boolean {
  const { podSecurity: configured } = deps;
  const why = configured.exemptNamespaces.includes(admittedNamespace(attributes))
    ? "namespace"
    : configured.exemptUsers.includes(attributes.by.user.name)
      ? "user"
      : undefined;
  if (why !== undefined) exempted(deps, attributes, why);
  return why !== undefined;
}

async function namespacePolicy(
  deps: PodSecurityDeps,
  attributes: Attributes,
): Promise<{ readonly policy: Policy; readonly policyProblem: string | undefined }> {
  const name = admittedNamespace(attributes);
  const found = await storedObject(deps, { group: "", plural: "namespaces", namespace: "", name });
  const { policy, problems } = policyOf(found?.metadata.labels ?? {}, deps.podSecurity.defaults);
  if (problems.length === 0) return { policy, policyProblem: undefined };
  const texts = labelProblems(problems).map(({ field, message }) => `${field}: ${message}`);
  return { policy, policyProblem: texts.length === 1 ? texts[0] : `[${texts.join(", ")}]` };
}

const labelProblems = (problems: ReturnType<typeof policyOf>["problems"]) =>
  problems.map(({ name, value, rule }) => invalidField(`metadata.labels[${name}]`, value, rule));

async function validateNamespace(deps: PodSecurityDeps, attributes: Attributes): Promise<void> {
  const { kind, object, old, by } = attributes;
  if (object === undefined) return;
  const { name, labels = {} } = object.metadata;
  const { defaults, exemptNamespaces } = deps.podSecurity;
  const next = policyOf(labels, defaults);
  const before = old && policyOf(old.metadata.labels ?? {}, defaults);
  const sameProblems = JSON.stringify(next.problems) === JSON.stringify(before?.problems ?? []);
  if (next.problems.length > 0 && !sameProblems)
    throw invalid(kind, by.name || name, labelProblems(next.problems));
  const exempt = exemptNamespaces.includes(name);
  if (before !== undefined && !wantsCheck(next.policy, before.policy)) return;
  if (exempt) {
    const warning = exemptNamespaceWarning(name, { policy: next.policy, defaults, labels });
    if (warning !== undefined) by.warn(warning);
    return;
  }
  if (before === undefined) return;
  const pods = await storedObjects(deps, { group: "", plural: "pods", namespace: name });
  const { exemptRuntimeClasses } = deps.podSecurity;
  const { enforce } = next.policy;
  for (const warning of warningsOfPods(name, { pods: pods as readonly Pod[], enforce, exemptRuntimeClasses }))
    by.warn(warning);
}

/** Of what of a pod can change, only this changes what it asks for. */
function isOfWeight({ spec: next }: Pod, { spec: before }: Pod): boolean {
  const images = (containers: readonly { name: string; image?: string }[] = []) =>
    JSON.stringify(containers.map(({ image }) => image));
  if (images(next.containers) !== images(before.containers)) return true;
  if (images(next.initContainers) !== images(before.initContainers)) return true;
  const known = new Map((before.ephemeralContainers ?? []).map(({ name, image }) => [name, image]));
  return (next.ephemeralContainers ?? []).some(
    ({ name, image }) => !known.has(name) || known.get(name) !== image,
  );
}

function annotate({ by }: Attributes, name: string, value: string): void {
  by.annotate(labelPrefix + name, value);
}
