import { isConflict, isNotFound } from "../../../client/api-error.ts";
import { keyOf } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import type { Secret } from "../../../client/types.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { bootstrapTokenNamespace, isBootstrapToken, remainingMs } from "./bootstrap-token.ts";
import { planSignatures } from "./plan-signatures.ts";

const clusterInfo = { namespace: "kube-public", name: "cluster-info" };

const tokenSecrets = ({ informers }: ControllerContext) =>
  informers.informer(resources.secrets, { namespace: bootstrapTokenNamespace });

/** Signs the information by which new nodes find the cluster. */
export const bootstrapSignerController: Controller = {
  name: "bootstrap-signer-controller",
  workers: 1,
  disabledByDefault: true,
  setUp(context, queue) {
    const { client, clock } = context;
    const maps = context.informers.informer(resources.configmaps, {
      namespace: clusterInfo.namespace,
      fieldSelector: `metadata.name=${clusterInfo.name}`,
    });
    const secrets = tokenSecrets(context);
    const enqueue = () => queue.add(clusterInfo.name);
    maps.subscribe({ onAdd: enqueue, onUpdate: enqueue });
    const ofSecret = (secret: Secret) => {
      if (isBootstrapToken(secret)) enqueue();
    };
    secrets.subscribe({ onAdd: ofSecret, onUpdate: ofSecret, onDelete: ofSecret });
    return async () => {
      const map = maps.get(clusterInfo);
      if (map === undefined) return undefined;
      const nowMs = clock.wallMs();
      const tokens = secrets.list().filter(isBootstrapToken);
      const { data } = planSignatures(map, tokens, nowMs);
      if (data !== undefined)
        try {
          await client.update(resources.configmaps, { ...map, data: { ...data } });
        } catch (error) {
          // Changed or gone: what the cache shows next decides.
          if (!isConflict(error) && !isNotFound(error)) throw error;
        }
      // A token that ends takes its signature with it, whether somebody cleans up or not.
      const ends = tokens.flatMap((secret) => remainingMs(secret, nowMs) || []);
      return ends.length === 0 ? undefined : { requeueAfterMs: Math.min(...ends) + 1 };
    };
  },
};

/** Deletes tokens that have ended. */
export const tokenCleanerController: Controller = {
  name: "token-cleaner-controller",
  workers: 1,
  disabledByDefault: true,
  setUp(context, queue) {
    const secrets = tokenSecrets(context);
    const enqueue = (secret: Secret) => {
      if (isBootstrapToken(secret)) queue.add(keyOf(secret));
    };
    secrets.subscribe({ onAdd: enqueue, onUpdate: enqueue });
    return async (key) => {
      const secret = secrets.getByKey(key);
      if (secret === undefined || !isBootstrapToken(secret)) return undefined;
      const leftMs = remainingMs(secret, context.clock.wallMs());
      if (leftMs === undefined) return undefined;
      if (leftMs > 0) return { requeueAfterMs: leftMs };
      const { namespace = "", name, uid } = secret.metadata;
      try {
        await context.client.delete(resources.secrets, { namespace, name }, { preconditions: { uid } });
      } catch (error) {
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
      return undefined;
    };
  },
};
