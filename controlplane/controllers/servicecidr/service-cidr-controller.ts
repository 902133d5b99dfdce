import { resources } from "../../../client/resources.ts";
import type { Condition, IPAddress } from "../../../client/types.ts";
import type { Controller } from "../controller.ts";
import { unlessChanged, withFinalizers } from "../volumeprotection/write-finalizers.ts";
import { cidrFinalizer, goingRangesOf, planServiceCidr } from "./plan-service-cidr.ts";

const controllerName = "service-cidr-controller";

function appliedReady(name: string, condition: Condition) {
  const { group, version, kind } = resources.servicecidrs;
  return { apiVersion: `${group}/${version}`, kind, metadata: { name }, status: { conditions: [condition] } };
}

export const serviceCidrController: Controller = {
  name: controllerName,
  workers: 5,
  setUp({ informers, client, clock }, queue) {
    const cidrs = informers.informer(resources.servicecidrs);
    const addresses = informers.informer(resources.ipaddresses);
    // One that comes or goes may let another go, or hold it: there are few of them.
    const enqueueAll = () => {
      for (const { metadata } of cidrs.list()) queue.add(metadata.name);
    };
    cidrs.subscribe({ onAdd: enqueueAll, onUpdate: enqueueAll, onDelete: enqueueAll });
    const ofAddress = (address: IPAddress) => {
      for (const { metadata } of goingRangesOf(address, cidrs.list())) queue.add(metadata.name);
    };
    addresses.subscribe({ onAdd: ofAddress, onDelete: ofAddress });
    return async (name) => {
      const cidr = cidrs.getByKey(name);
      if (cidr === undefined) return undefined;
      const plan = planServiceCidr(cidr, cidrs.list(), addresses.list(), clock.wallMs());
      let current = cidr;
      const { condition } = plan;
      await unlessChanged(async () => {
        if (condition !== undefined) {
          current = await client.patch(resources.servicecidrs, { name }, appliedReady(name, condition), {
            type: "apply",
            subresource: "status",
            fieldManager: controllerName,
            force: true,
          });
        }
        if (plan.finalizer === undefined) return;
        const others = (current.metadata.finalizers ?? []).filter((one) => one !== cidrFinalizer);
        const finalizers = plan.finalizer === "add" ? [...others, cidrFinalizer] : others;
        await client.update(resources.servicecidrs, withFinalizers(current, finalizers));
      });
      return plan.againInMs === undefined ? undefined : { requeueAfterMs: plan.againInMs };
    };
  },
};
