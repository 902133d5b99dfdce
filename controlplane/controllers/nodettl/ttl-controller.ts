import { isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { Controller } from "../controller.ts";
import { nextStep, secondsAt, ttlAnnotation } from "./plan-ttl.ts";

export const ttlController: Controller = {
  name: "ttl-controller",
  workers: 5,
  setUp({ informers, client }, queue) {
    const nodes = informers.informer(resources.nodes);
    let step = 0;
    // Every node shows itself again within seconds; none is woken just because others came.
    const count = () => {
      step = nextStep(step, nodes.size);
    };
    nodes.subscribe({
      onAdd: ({ metadata }) => {
        count();
        queue.add(metadata.name);
      },
      onUpdate: ({ metadata }) => {
        if (metadata.annotations?.[ttlAnnotation] !== String(secondsAt(step))) queue.add(metadata.name);
      },
      onDelete: count,
    });
    return async (name) => {
      const node = nodes.getByKey(name);
      const wanted = String(secondsAt(step));
      if (node === undefined || node.metadata.annotations?.[ttlAnnotation] === wanted) return;
      try {
        const metadata = { annotations: { [ttlAnnotation]: wanted } };
        await client.patch(resources.nodes, { name }, { metadata }, { type: "strategic" });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    };
  },
};
