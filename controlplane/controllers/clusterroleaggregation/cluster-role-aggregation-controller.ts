import { isConflict, isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { Controller } from "../controller.ts";
import { planClusterRole } from "./plan-cluster-role.ts";

const fieldManager = "clusterrole-aggregation-controller";

export const clusterRoleAggregationController: Controller = {
  name: "clusterrole-aggregation-controller",
  workers: 5,
  setUp({ client, informers }, queue) {
    const roles = informers.informer(resources.clusterroles);
    // Which roles a change concerns is not worth an index: there are few of them, and they hardly change.
    const enqueueAll = () => {
      for (const { metadata, aggregationRule } of roles.list())
        if (aggregationRule !== undefined) queue.add(metadata.name);
    };
    roles.subscribe({ onAdd: enqueueAll, onUpdate: enqueueAll, onDelete: enqueueAll });
    return async (name, signal) => {
      const role = roles.getByKey(name);
      const rules = role && planClusterRole(role, roles.list());
      if (role === undefined || rules === undefined) return;
      const { group, version, kind } = resources.clusterroles;
      const applied = {
        apiVersion: `${group}/${version}`,
        kind,
        // Without its uid a role that is gone would be made again.
        metadata: { name, uid: role.metadata.uid },
        ...(rules.length > 0 && { rules }),
      };
      try {
        await client.patch(resources.clusterroles, { name }, applied, {
          type: "apply",
          fieldManager,
          force: true,
          signal,
        });
      } catch (error) {
        // Gone meanwhile, or another of its name: what the cache shows next decides.
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
    };
  },
};
