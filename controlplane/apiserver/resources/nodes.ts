import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { Node } from "../../../client/types.ts";
import { rangeWarnings } from "./address-warnings.ts";
import { age, ageColumn, column, wideColumn } from "./cell-text.ts";
import { dropDisabledNode } from "./disabled-fields.ts";
import { validateNode, validateNodeUpdate } from "./node-validation.ts";
import { keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

const rolePrefix = "node-role.kubernetes.io/";

export const nodes = kindOf<Node>({
  group: "",
  version: "v1",
  kind: "Node",
  plural: "nodes",
  singular: "node",
  shortNames: ["no"],
  categories: [],
  namespaced: false,
  storagePrefix: "minions",
  subresources: { status: true, special: ["proxy"] },
  nameRule: dns1123Subdomain,
  applyDefaults(node) {
    node.spec ??= {};
    if (node.status?.allocatable === undefined && node.status?.capacity !== undefined)
      node.status.allocatable = { ...node.status.capacity };
    const [first] = node.spec.podCIDRs ?? [];
    if (!node.spec.podCIDR && first !== undefined) node.spec.podCIDR = first;
    // Where the two differ, the older one holds.
    if (node.spec.podCIDR && node.spec.podCIDR !== first) node.spec.podCIDRs = [node.spec.podCIDR];
  },
  // A node brings its status along when it registers; only updates are split.
  prepareForUpdate: keepStatus,
  dropDisabled: dropDisabledNode,
  validate: validateNode,
  validateUpdate: validateNodeUpdate,
  validateStatus: validateNodeUpdate,
  warnings: ({ spec }) => [
    ...(spec?.configSource === undefined ? [] : ["spec.configSource: the feature is removed"]),
    ...(spec?.externalID ? ["spec.externalID: this field is deprecated, and is unused by Kubernetes"] : []),
    ...(spec?.podCIDRs ?? []).flatMap((range, index) => rangeWarnings(range, `spec.podCIDRs[${index}]`)),
  ],
  selectableFields: (node) => ({ "spec.unschedulable": String(node.spec?.unschedulable ?? false) }),
  columns: [
    column("Status"),
    column("Roles"),
    ageColumn,
    column("Version"),
    wideColumn("Internal-IP"),
    wideColumn("External-IP"),
    wideColumn("OS-Image"),
    wideColumn("Kernel-Version"),
    wideColumn("Container-Runtime"),
  ],
  cells(node, nowMs) {
    const info = node.status?.nodeInfo;
    return [
      statusText(node),
      rolesText(node),
      age(node.metadata.creationTimestamp, nowMs),
      info?.kubeletVersion ?? "",
      addressText(node, "InternalIP"),
      addressText(node, "ExternalIP"),
      info?.osImage || "<unknown>",
      info?.kernelVersion || "<unknown>",
      info?.containerRuntimeVersion || "<unknown>",
    ];
  },
});

function statusText(node: Node): string {
  const ready = node.status?.conditions?.find(({ type }) => type === "Ready");
  const words = [ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady"];
  if (node.spec?.unschedulable === true) words.push("SchedulingDisabled");
  return words.join(",");
}

function rolesText({ metadata }: Node): string {
  const roles = Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(rolePrefix)) return [key.slice(rolePrefix.length)].filter((role) => role !== "");
    return key === "kubernetes.io/role" && value !== "" ? [value] : [];
  });
  return roles.length === 0 ? "<none>" : [...new Set(roles)].sort().join(",");
}

function addressText(node: Node, wanted: string): string {
  return node.status?.addresses?.find(({ type }) => type === wanted)?.address ?? "<none>";
}
