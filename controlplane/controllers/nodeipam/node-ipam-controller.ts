import { type IpRange, ipRangeText } from "../../../base/ip-range.ts";
import type { Meter } from "../../../base/os/metrics.ts";
import { oncePerMeter } from "../../../base/os/once-per-meter.ts";
import { isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { Node } from "../../../client/types.ts";
import type { Controller } from "../controller.ts";
import { enqueueSelf } from "../owner-events.ts";
import { NodeRanges } from "./node-ranges.ts";
import type { RangeObserver } from "./range-set.ts";

export const nodeIpamController: Controller = {
  name: "node-ipam-controller",
  workers: 30,
  enabled: ({ nodeCidrs }) => nodeCidrs !== undefined,
  setUp(context, queue) {
    const { client, recorder, config, log } = context;
    const nodes = context.informers.informer(resources.nodes);
    const metrics = rangeMetrics(context.meter);
    const { cluster = [], services = [] } = config.nodeCidrs ?? {};
    const ranges = new NodeRanges(cluster, services, (range) => observerOf(range, metrics));
    const observe = () => {
      for (const { whole, used, count } of ranges.sets)
        metrics.usage.set({ clusterCIDR: ipRangeText(whole) }, used / count);
    };
    for (const { whole, count } of ranges.sets) metrics.max.set({ clusterCIDR: ipRangeText(whole) }, count);
    /** What Kubernetes says of a node that has no range, in its words. */
    const say = (node: Node, reason: "CIDRNotAvailable" | "CIDRAssignmentFailed") => {
      const message = `Node ${node.metadata.name} status is now: ${reason}`;
      recorder.record(node, { type: "Normal", reason, message });
    };
    // Before the first sync every node there is has shown what it has.
    const show = ({ metadata: { name }, spec }: Node) => {
      const foreign = ranges.show(name, rangesOf(spec));
      if (foreign.length > 0)
        log.warn("node has ranges that are not of the cluster's", { node: name, foreign });
      observe();
    };
    nodes.subscribe({
      onAdd: show,
      onUpdate: show,
      onDelete: ({ metadata }) => {
        ranges.forget(metadata.name);
        observe();
        for (const name of waiting) queue.add(name);
      },
    });
    /** Nodes that found nothing left: they look again when one goes. */
    const waiting = new Set<string>();
    enqueueSelf(queue, nodes);
    return async (name) => {
      waiting.delete(name);
      const node = nodes.getByKey(name);
      if (node === undefined || node.metadata.deletionTimestamp !== undefined) return;
      if (rangesOf(node.spec).length > 0) return;
      const given = ranges.give(name);
      observe();
      if (!given.ok) {
        waiting.add(name);
        say(node, "CIDRNotAvailable");
        throw new Error(
          `no range is left for node ${name} in ${ipRangeText(given.exhausted.range)}; --cluster-cidr is too small`,
        );
      }
      const { uid } = node.metadata;
      const spec = { podCIDR: given.ranges[0], podCIDRs: given.ranges };
      try {
        // Once given they stay this node's, so that what a lost answer wrote is written again, not something else.
        await client.patch(resources.nodes, { name }, { metadata: { uid }, spec }, { type: "merge" });
      } catch (error) {
        if (isNotFound(error)) return; // its end is shown, and frees what it held
        say(node, "CIDRAssignmentFailed");
        throw error;
      }
    };
  },
};

function rangesOf(spec: Node["spec"]): readonly string[] {
  if (spec?.podCIDRs !== undefined && spec.podCIDRs.length > 0) return spec.podCIDRs;
  return spec?.podCIDR ? [spec.podCIDR] : [];
}

type RangeMetrics = ReturnType<typeof declare>;

function observerOf(range: IpRange, { allocations, releases, tries }: RangeMetrics): RangeObserver {
  const labels = { clusterCIDR: ipRangeText(range) };
  return {
    taken: () => allocations.inc(labels),
    freed: () => releases.inc(labels),
    skipped: (blocks) => tries.observe(labels, blocks),
  };
}

const rangeMetrics = oncePerMeter(declare);

/** Kubernetes' names, with its slip of the pen. */
function declare(meter: Meter) {
  const prefix = "node_ipam_controller";
  const labels = ["clusterCIDR"] as const;
  return {
    allocations: meter.counter(
      `${prefix}_cidrset_cidrs_allocations_total`,
      "Ranges that came into use.",
      labels,
    ),
    releases: meter.counter(
      `${prefix}_cidrset_cidrs_releases_total`,
      "Ranges that are in use no more.",
      labels,
    ),
    max: meter.gauge(
      `${prefix}_cirdset_max_cidrs`,
      "Ranges for nodes that the cluster's is cut into.",
      labels,
    ),
    usage: meter.gauge(`${prefix}_cidrset_usage_cidrs`, "Share of them that is in use.", labels),
    tries: meter.histogram(
      `${prefix}_cidrset_allocation_tries_per_request`,
      "Ranges in use that were passed by to find one for a node.",
      { labels, buckets: [1, 5, 25, 125, 625] },
    ),
  };
}
