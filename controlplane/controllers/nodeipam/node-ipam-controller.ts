import { isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { Controller } from "../controller.ts";
import { enqueueSelf } from "../owner-events.ts";
import { planPodCidr } from "./plan-pod-cidr.ts";

export const nodeIpamController: Controller = {
  name: "node-ipam-controller",
  workers: 1,
  enabled: ({ nodeCidrs }) => nodeCidrs !== undefined,
  setUp(context, queue) {
    const nodes = context.informers.informer(resources.nodes);
    /** Given, but perhaps not yet shown by the cache; by node. */
    const given = new Map<string, string>();
    enqueueSelf(queue, nodes);
    nodes.subscribe({
      onUpdate: ({ metadata, spec }) => {
        if (spec?.podCIDR) given.delete(metadata.name);
      },
      onDelete: ({ metadata }) => given.delete(metadata.name),
    });
    return async (name) => {
      const { nodeCidrs } = context.config;
      const node = nodes.getByKey(name);
      if (node === undefined || nodeCidrs === undefined || node.spec?.podCIDR) return;
      const taken = [...nodes.list().flatMap(({ spec }) => spec?.podCIDR ?? []), ...given.values()];
      const podCIDR = given.get(name) ?? planPodCidr(nodeCidrs.cluster, nodeCidrs.maskSize, taken);
      if (podCIDR === undefined) {
        const message = `Node ${name} status is now: CIDRNotAvailable`;
        context.recorder.record(node, { type: "Normal", reason: "CIDRNotAvailable", message });
        throw new Error(`no range is left for node ${name}; --cluster-cidr is too small`);
      }
      given.set(name, podCIDR);
      const { uid, resourceVersion } = node.metadata;
      const body = { metadata: { uid, resourceVersion }, spec: { podCIDR, podCIDRs: [podCIDR] } };
      try {
        await context.client.patch(resources.nodes, { name }, body, { type: "merge" });
      } catch (error) {
        if (!isNotFound(error)) throw error;
        given.delete(name);
      }
    };
  },
};
