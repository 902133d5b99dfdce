import { wholeAmount } from "../../base/quantity-text.ts";
import type { Service } from "../types.ts";
import type { AmountsByName } from "./pod-amounts.ts";
import { objectCountName, one, type QuotaEvaluator } from "./quota-evaluator.ts";

const countName = objectCountName("", "services");
const names: readonly string[] = [countName, "services", "services.nodeports", "services.loadbalancers"];

/** Services count by their number, their node ports and their load balancers. */
export const serviceQuota: QuotaEvaluator = {
  group: "",
  plural: "services",
  counts: (name) => names.includes(name),
  usage: (object) => serviceUsage(object as Service),
  charges: ({ subresource }) => subresource === "",
  changes: (next, before) => typeOf(next as Service) !== typeOf(before as Service),
};

function serviceUsage({ spec }: Service): AmountsByName {
  const { type, ports = [], allocateLoadBalancerNodePorts } = spec;
  const balanced = type === "LoadBalancer";
  // Ports not yet allocated count as well: what is meant is looked at.
  const asked = ports.filter(({ nodePort = 0 }) => nodePort !== 0);
  const nodePorts =
    type === "NodePort" || (balanced && allocateLoadBalancerNodePorts !== false)
      ? ports.length
      : balanced
        ? asked.length
        : 0;
  return new Map([
    [countName, one],
    ["services", one],
    ["services.loadbalancers", wholeAmount(balanced ? 1 : 0)],
    ["services.nodeports", wholeAmount(nodePorts)],
  ]);
}

const typeOf = ({ spec: { type } }: Service) =>
  type === "NodePort" || type === "LoadBalancer" ? type : undefined;
