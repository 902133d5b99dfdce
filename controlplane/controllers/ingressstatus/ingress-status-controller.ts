import { isConflict, isNotFound } from "../../../client/api-error.ts";
import { keyOf } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import { classOf, isOwnClass } from "../../../client/rules/ingress-class.ts";
import type { Controller } from "../controller.ts";
import { changedStatus, frontAddresses, frontFacts } from "./plan-ingress-status.ts";

/** Writes the addresses of the nodes that answer into the statuses of the Ingresses of our classes. */
export const ingressStatusController: Controller = {
  name: "ingress-status-controller",
  workers: 2,
  setUp({ informers, client, recorder }, queue) {
    const ingresses = informers.informer(resources.ingresses);
    const classes = informers.informer(resources.ingressclasses);
    const nodes = informers.informer(resources.nodes);
    const isOurs = (ingress: Parameters<typeof classOf>[0]) => {
      const named = classes.getByKey(classOf(ingress) ?? "");
      return named !== undefined && isOwnClass(named);
    };
    const all = () => {
      for (const ingress of ingresses.list()) if (isOurs(ingress)) queue.add(keyOf(ingress));
    };
    const one = (ingress: Parameters<typeof keyOf>[0]) => queue.add(keyOf(ingress));
    ingresses.subscribe({ onAdd: one, onUpdate: one });
    classes.subscribe({ onAdd: all, onUpdate: all });
    nodes.subscribe({
      onAdd: (node) => {
        if (frontFacts(node) !== "") all();
      },
      onDelete: (node) => {
        if (frontFacts(node) !== "") all();
      },
      onUpdate: (next, previous) => {
        if (frontFacts(next) !== frontFacts(previous)) all();
      },
    });
    return async (key) => {
      const ingress = ingresses.getByKey(key);
      if (ingress === undefined || !isOurs(ingress)) return undefined;
      const addresses = frontAddresses(nodes.list());
      const loadBalancer = changedStatus(ingress, addresses);
      if (loadBalancer === undefined) return undefined;
      try {
        await client.updateStatus(resources.ingresses, {
          ...ingress,
          status: { ...ingress.status, loadBalancer },
        });
      } catch (error) {
        // One that somebody changed meanwhile is looked at again once that is seen here.
        if (!isNotFound(error) && !isConflict(error)) throw error;
        return undefined;
      }
      if (addresses.length === 0)
        recorder.record(ingress, {
          type: "Warning",
          reason: "NoAddress",
          message: "no node answers for Ingresses",
        });
      return undefined;
    };
  },
};
