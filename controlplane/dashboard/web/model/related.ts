import type { KubeObject } from "../api/object-feed.ts";

/** A table of objects that belong to another. */
export interface Related {
  readonly title: string;
  /** `group/plural` */
  readonly kind: string;
  readonly query: Readonly<Record<string, string>>;
  /** Only those that this object controls. */
  readonly isOwned: boolean;
}

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

/** What belongs to an object: what its controller made of it, what it selects, what runs on it. Pure. */
export function relatedTo(kindKey: string, { metadata, spec }: KubeObject): readonly Related[] {
  const selected = selectorText(spec?.selector as Selector | undefined);
  const owned = (title: string, kind: string): Related => ({
    title,
    kind,
    query: selected === "" ? {} : { labelSelector: selected },
    isOwned: true,
  });
  const pods = owned("Pods", "core/pods");
  switch (kindKey) {
    case "apps/deployments":
      return [owned("Replica sets", "apps/replicasets"), { ...pods, isOwned: false }];
    case "apps/replicasets":
    case "apps/statefulsets":
    case "apps/daemonsets":
    case "batch/jobs":
      return [pods];
    case "batch/cronjobs":
      return [{ title: "Jobs", kind: "batch/jobs", query: {}, isOwned: true }];
    case "core/services": {
      const labels = labelsText((spec?.selector ?? {}) as Readonly<Record<string, string>>);
      const slices = { labelSelector: `kubernetes.io/service-name=${metadata.name}` };
      return [
        { title: "Endpoint slices", kind: "discovery.k8s.io/endpointslices", query: slices, isOwned: false },
        ...(labels === "" ? [] : [{ ...pods, query: { labelSelector: labels }, isOwned: false }]),
      ];
    }
    case "core/nodes":
      return [{ ...pods, query: { fieldSelector: `spec.nodeName=${metadata.name}` }, isOwned: false }];
    case "core/namespaces":
      return [];
    default:
      return [];
  }
}

const labelsText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(",");

/** A selector as the API's parameter says it. Pure. */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: Selector = {}): string {
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    if (operator === "Exists") return key;
    if (operator === "DoesNotExist") return `!${key}`;
    return `${key} ${operator === "In" ? "in" : "notin"} (${values.join(",")})`;
  });
  return [labelsText(matchLabels), ...expressions].filter(Boolean).join(",");
}
