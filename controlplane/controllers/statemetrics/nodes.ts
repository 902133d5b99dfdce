import { resources } from "../../../client/resources.ts";
import type { Node } from "../../../client/types.ts";
import { amountSeries } from "./amounts.ts";
import { labelFamilies } from "./label-families.ts";
import {
  alpha,
  conditionSeries,
  created,
  createdHelp,
  deleted,
  deletedHelp,
  flag,
  info,
  type Series,
  type StateKind,
  stable,
} from "./series.ts";

const rolePrefix = "node-role.kubernetes.io/";

export const nodeKind: StateKind<Node> = {
  resource: resources.nodes,
  labels: ({ metadata }) => ({ node: metadata.name }),
  families: [
    ...labelFamilies<Node>("node", "nodes"),
    stable("kube_node_created", createdHelp, created),
    alpha("kube_node_deletion_timestamp", deletedHelp, deleted),
    stable("kube_node_info", "Information about a cluster node.", nodeInfo),
    alpha("kube_node_role", "The role of a cluster node.", ({ metadata }) =>
      Object.keys(metadata.labels ?? {}).flatMap((name) =>
        name.startsWith(rolePrefix) ? info({ role: name.slice(rolePrefix.length) }) : [],
      ),
    ),
    alpha("kube_node_spec_pod_cidrs", "The pod CIDRs of a cluster node.", ({ spec }) =>
      (spec?.podCIDRs ?? []).flatMap((range) => info({ pod_cidr: range })),
    ),
    stable("kube_node_spec_taint", "The taint of a cluster node.", ({ spec }) =>
      (spec?.taints ?? []).flatMap(({ key, value, effect }) => info({ key, value: value ?? "", effect })),
    ),
    stable("kube_node_spec_unschedulable", "Whether a node can schedule new pods.", ({ spec }) =>
      flag(spec?.unschedulable),
    ),
    stable(
      "kube_node_status_allocatable",
      "The allocatable for different resources of a node that are available for scheduling.",
      ({ status }) => amountSeries(status?.allocatable, {}, { pods: true }),
    ),
    stable("kube_node_status_capacity", "The capacity for different resources of a node.", ({ status }) =>
      amountSeries(status?.capacity, {}, { pods: true }),
    ),
    stable("kube_node_status_condition", "The condition of a cluster node.", ({ status }) =>
      conditionSeries(status?.conditions),
    ),
    alpha("kube_node_status_addresses", "Node address information.", ({ status }) =>
      (status?.addresses ?? []).flatMap(({ type, address }) => info({ type, address })),
    ),
  ],
};

function nodeInfo({ spec, status }: Node): readonly Series[] {
  const own = status?.nodeInfo;
  const internal = status?.addresses?.filter(({ type }) => type === "InternalIP").at(-1);
  return info({
    kernel_version: own?.kernelVersion ?? "",
    os_image: own?.osImage ?? "",
    container_runtime_version: own?.containerRuntimeVersion ?? "",
    kubelet_version: own?.kubeletVersion ?? "",
    kubeproxy_version: "deprecated",
    provider_id: spec?.providerID ?? "",
    pod_cidr: spec?.podCIDR ?? "",
    system_uuid: own?.systemUUID ?? "",
    internal_ip: internal?.address ?? "",
  });
}
