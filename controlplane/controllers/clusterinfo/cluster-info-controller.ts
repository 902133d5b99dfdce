import { ipRangeText } from "../../../base/ip-range.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import { clusterInfo } from "../../../client/rules/joining-nodes.ts";
import type { Controller } from "../controller.ts";
import { rootCa } from "../serviceaccount/namespace-content-controllers.ts";
import { planClusterInfo, serverUrls } from "./plan-cluster-info.ts";

const ref = { namespace: clusterInfo.namespace, name: clusterInfo.name };
const apiServers = { namespace: "default", name: "kubernetes" };

/** Publishes by what a machine finds the cluster before it is of it. */
export const clusterInfoController: Controller = {
  name: "cluster-info-controller",
  workers: 1,
  disabledByDefault: true,
  setUp({ client, config, informers }, queue) {
    const caPem = rootCa(config) ?? "";
    const ranges = {
      podRanges: (config.nodeCidrs?.cluster ?? []).map(({ range }) => ipRangeText(range)),
      serviceRanges: (config.nodeCidrs?.services ?? []).map(ipRangeText),
    };
    const only = ({ namespace, name }: { readonly namespace: string; readonly name: string }) => ({
      namespace,
      fieldSelector: `metadata.name=${name}`,
    });
    const maps = informers.informer(resources.configmaps, only(ref));
    const endpoints = informers.informer(resources.endpoints, only(apiServers));
    const enqueue = () => queue.add(ref.name);
    for (const informer of [maps, endpoints])
      informer.subscribe({ onAdd: enqueue, onUpdate: enqueue, onDelete: enqueue });
    return async () => {
      const map = maps.get(ref);
      const servers = serverUrls(endpoints.get(apiServers));
      const data = planClusterInfo(map, { servers, caPem, ...ranges });
      if (data === undefined) return;
      try {
        if (map === undefined)
          await client.create(resources.configmaps, { metadata: ref, data: { ...data } });
        else await client.update(resources.configmaps, { ...map, data: { ...data } });
      } catch (error) {
        // Changed, made or gone meanwhile: what the cache shows next decides.
        if (!isConflict(error) && !isAlreadyExists(error) && !isNotFound(error)) throw error;
      }
    };
  },
};
