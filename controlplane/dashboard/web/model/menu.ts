import type { Kind } from "../api/discovery.ts";

/** What stands in the side bar under which heading, by `group/plural`. */
const headings: readonly (readonly [string, readonly string[]])[] = [
  [
    "Workloads",
    [
      "core/pods",
      "apps/deployments",
      "apps/statefulsets",
      "apps/daemonsets",
      "apps/replicasets",
      "batch/jobs",
      "batch/cronjobs",
      "autoscaling/horizontalpodautoscalers",
      "policy/poddisruptionbudgets",
    ],
  ],
  [
    "Network",
    [
      "core/services",
      "discovery.k8s.io/endpointslices",
      "networking.k8s.io/ingresses",
      "networking.k8s.io/networkpolicies",
      "gateway.networking.k8s.io/gateways",
      "gateway.networking.k8s.io/httproutes",
    ],
  ],
  [
    "Configuration",
    [
      "core/configmaps",
      "core/secrets",
      "core/resourcequotas",
      "core/limitranges",
      "scheduling.k8s.io/priorityclasses",
      "admissionregistration.k8s.io/mutatingwebhookconfigurations",
      "admissionregistration.k8s.io/validatingwebhookconfigurations",
      "admissionregistration.k8s.io/validatingadmissionpolicies",
    ],
  ],
  [
    "Storage",
    [
      "core/persistentvolumeclaims",
      "core/persistentvolumes",
      "storage.k8s.io/storageclasses",
      "storage.k8s.io/csidrivers",
      "storage.k8s.io/volumeattachments",
    ],
  ],
  [
    "Access",
    [
      "core/serviceaccounts",
      "rbac.authorization.k8s.io/roles",
      "rbac.authorization.k8s.io/rolebindings",
      "rbac.authorization.k8s.io/clusterroles",
      "rbac.authorization.k8s.io/clusterrolebindings",
      "certificates.k8s.io/certificatesigningrequests",
    ],
  ],
  [
    "Cluster",
    [
      "core/nodes",
      "core/namespaces",
      "events.k8s.io/events",
      "coordination.k8s.io/leases",
      "apiextensions.k8s.io/customresourcedefinitions",
      "apiregistration.k8s.io/apiservices",
    ],
  ],
];
/** The same objects under an older name. */
const twins = new Set(["core/events", "core/endpoints"]);

export interface MenuGroup {
  readonly heading: string;
  readonly kinds: readonly Kind[];
}

/** The side bar: known kinds in their order, and whatever else can be listed under its API group. Pure. */
export function menuOf(kinds: readonly Kind[], maySee: (kind: Kind) => boolean): readonly MenuGroup[] {
  const shown = kinds.filter((kind) => kind.verbs.includes("list") && maySee(kind));
  const byKey = new Map(shown.map((kind) => [`${kind.group || "core"}/${kind.plural}`, kind]));
  const known = headings.map(([heading, keys]) => ({
    heading,
    kinds: keys.flatMap((key) => {
      const kind = byKey.get(key);
      byKey.delete(key);
      return kind ?? [];
    }),
  }));
  for (const key of twins) byKey.delete(key);
  const isOwn = ({ group }: Kind) => !group.includes(".") || group.endsWith(".k8s.io");
  const rest = [...byKey.values()];
  const groups = new Map<string, Kind[]>();
  for (const kind of rest.filter((one) => !isOwn(one)))
    groups.set(kind.group, [...(groups.get(kind.group) ?? []), kind]);
  return [
    ...known,
    ...[...groups].sort().map(([heading, ofGroup]) => ({ heading, kinds: ofGroup })),
    { heading: "More of Kubernetes", kinds: rest.filter(isOwn) },
  ].filter(({ kinds: ofHeading }) => ofHeading.length > 0);
}

/** `Horizontal Pod Autoscalers`, of a kind's name. */
export function titleOf({ kind, plural }: Pick<Kind, "kind" | "plural">): string {
  const words = kind.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2");
  const lower = plural.toLowerCase();
  if (lower === kind.toLowerCase()) return words;
  if (lower.endsWith("ies")) return `${words.slice(0, -1)}ies`;
  return `${words}${lower.slice(kind.length) || "s"}`;
}
