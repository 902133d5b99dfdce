import type { Namespace } from "../types.ts";
import { apiServiceFindings, apiServices } from "./extensions.ts";
import type { Facts } from "./facts.ts";
import { type Finding, finding, leadsTo, stands } from "./finding.ts";

const graceMs = 10_000;

/** Why a namespace that is deleted stays. */
export function explainNamespace(namespace: Namespace, facts: Facts): readonly Finding[] {
  const { deletionTimestamp, name } = namespace.metadata;
  if (deletionTimestamp === undefined || facts.nowMs < Date.parse(String(deletionTimestamp)) + graceMs)
    return [];
  const bad = (namespace.status?.conditions ?? []).filter(({ status }) => status === "True");
  const of = (type: string) => bad.find((condition) => condition.type === type);
  const discovery = of("NamespaceDeletionDiscoveryFailure");
  const evidence = bad.map(({ type, message = "" }) =>
    stands(namespace, `status.conditions[${type}]`, message),
  );
  const through = `namespace ${name} does not go away`;
  if (discovery !== undefined) {
    const services = facts.list(apiServices) ?? [];
    const roots = services.flatMap((service) => apiServiceFindings(service, facts).slice(0, 1));
    if (roots.length > 0) return roots.map((root) => leadsTo(through, root, evidence));
  }
  const finalizers = of("NamespaceFinalizersRemaining")?.message;
  const content = of("NamespaceContentRemaining")?.message;
  const failed =
    of("NamespaceDeletionContentFailure")?.message ??
    of("NamespaceDeletionGroupVersionParsingFailure")?.message;
  const own = namespace.spec?.finalizers ?? [];
  const why =
    discovery?.message ?? failed ?? finalizers ?? content ?? `the finalizer ${own.join(", ")} keeps it`;
  return [
    finding("namespace-terminating", namespace, `it does not go away: ${why}`, {
      evidence: [stands(namespace, "metadata.deletionTimestamp", String(deletionTimestamp)), ...evidence],
      change: [
        finalizers === undefined
          ? "what is in it can be deleted"
          : "the controllers of these finalizers run, or the finalizers are taken away",
      ],
      next: [
        `kubectl get namespace ${name} -o yaml`,
        `kubectl api-resources --verbs=list --namespaced -o name | xargs -n 1 kubectl get -n ${name} --ignore-not-found --show-kind`,
      ],
    }),
  ];
}
