/** The labels of Kubernetes' own domains that an agent may set on its Node. */
const agentLabels: ReadonlySet<string> = new Set([
  "kubernetes.io/hostname",
  "kubernetes.io/os",
  "kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/arch",
  "beta.kubernetes.io/instance-type",
  "node.kubernetes.io/instance-type",
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
]);
const agentDomains = ["kubelet.kubernetes.io", "node.kubernetes.io"] as const;

/** Of these label keys those that a node must not set on itself, sorted: they would let it draw workloads to itself. Pure.
 *  Kubernetes' NodeRestriction, and its check of the kubelet's --node-labels. */
export function labelsForbiddenToNodes(keys: readonly string[]): readonly string[] {
  return keys
    .filter((key) => {
      const domain = key.includes("/") ? key.slice(0, key.indexOf("/")) : "";
      if (isIn(domain, "node-restriction.kubernetes.io")) return true;
      if (!isIn(domain, "kubernetes.io") && !isIn(domain, "k8s.io")) return false;
      return !agentLabels.has(key) && !agentDomains.some((one) => isIn(domain, one));
    })
    .sort();
}

const isIn = (domain: string, parent: string) => domain === parent || domain.endsWith(`.${parent}`);
