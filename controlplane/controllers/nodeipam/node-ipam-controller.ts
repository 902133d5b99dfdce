import { ipRangeText } from "../../../base/ip-range.ts";
import type { Meter } from "../../../base/os/metrics.ts";
import { oncePerMeter } from "../../../base/os/once-per-meter.ts";
import { isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { Node } from "../../../client/types.ts";
import type { Controller } from "../controller.ts";
import { enqueueSelf } from "../owner-events.ts";
import { NodeRanges } from "./node-ranges.ts";

export const nodeIpamController: Controller = {
  name: "node-ipam-controller",
  workers: 5,
  enabled: ({ nodeCidrs }) => nodeCidrs !== undefined,
  setUp(context, queue) {
    const { client, recorder, config, log } = context;
    const nodes = context.informers.informer(resources.nodes);
    const ranges = new NodeRanges(config.nodeCidrs?.cluster ?? [], config.nodeCidrs?.services ?? []);
    const metrics = rangeMetrics(context.meter);
    const clusterLabels = ranges.sets.map(({ whole }) => ({ clusterCIDR: ipRangeText(whole) }));
    const observe = () => {
      for (const [index, set] of ranges.sets.entries())
        metrics.usage.set(clusterLabels[index] ?? {}, set.used / set.count);
    };
    for (const [index, set] of ranges.sets.entries()) metrics.max.set(clusterLabels[index] ?? {}, set.count);
    // Before the first sync every node there is has shown what it has.
    const show = ({ metadata: { name }, spec }: Node) => {
      const foreign = ranges.show(name, rangesOf(spec));
      if (foreign.length > 0)
        log.warn("node has ranges that are not of the cluster's", { node: name, foreign });
      observe();
    };
    const release = (name: string) => {
      if (ranges.forget(name)) for (const labels of clusterLabels) metrics.releases.inc(labels);
      observe();
    };
    nodes.subscribe({
      onAdd: show,
      onUpdate: show,
      onDelete: ({ metadata }) => {
        release(metadata.name);
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
        const message = `Node ${name} status is now: CIDRNotAvailable`;
        recorder.record(node, { type: "Normal", reason: "CIDRNotAvailable", message });
        throw new Error(
          `no range is left for node ${name} in ${ipRangeText(given.exhausted.range)}; --cluster-cidr is too small`,
        );
      }
      if (given.areNew) for (const labels of clusterLabels) metrics.allocations.inc(labels);
      const { uid, resourceVersion } = node.metadata;
      const spec = { podCIDR: given.ranges[0], podCIDRs: given.ranges };
      try {
        // Once given they stay this node's, so that what a lost answer wrote is written again, not something else.
        await client.patch(
          resources.nodes,
          { name },
          { metadata: { uid, resourceVersion }, spec },
          { type: "merge" },
        );
      } catch (error) {
        if (!isNotFound(error)) throw error;
        release(name);
      }
    };
  },
};

function rangesOf(spec: Node["spec"]): readonly string[] {
  if (spec?.podCIDRs !== undefined && spec.podCIDRs.length > 0) return spec.podCIDRs;
  return spec?.podCIDR ? [spec.podCIDR] : [];
}

const rangeMetrics = oncePerMeter(declare);

function declare(meter: Meter) {
  const prefix = "node_ipam_controller_cidrset";
  return {
    allocations: meter.counter(`${prefix}_cidrs_allocations_total`, "Ranges given to nodes.", [
      "clusterCIDR",
    ]),
    releases: meter.counter(`${prefix}_cidrs_releases_total`, "Ranges of nodes that are gone.", [
      "clusterCIDR",
    ]),
    max: meter.gauge(`${prefix}_max_cidrs`, "Ranges for nodes that the cluster's is cut into.", [
      "clusterCIDR",
    ]),
    usage: meter.gauge(`${prefix}_usage_cidrs`, "Share of them that nodes have.", ["clusterCIDR"]),
  };
}
