import type { ApiClient } from "../../../client/api.ts";
import { isAlreadyExists, isConflict, orAbsent } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";

/** Up to which version each receiver has the Events: known to the whole cluster, so that whoever leads goes on. */
const ref = { namespace: "kube-system", name: "pintle-log-shipping" };
const attemptsMost = 3;

type Client = Pick<ApiClient, "get" | "create" | "update">;

export async function shippedUpTo(client: Client, receiver: string): Promise<string | undefined> {
  const found = await orAbsent(client.get(resources.configmaps, ref));
  const version = found?.data?.[receiver];
  return version !== undefined && /^[1-9]\d{0,15}$/.test(version) ? version : undefined;
}

export async function noteShipped(client: Client, receiver: string, version: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const found = await orAbsent(client.get(resources.configmaps, ref));
      const data = { ...found?.data, [receiver]: version };
      if (found === undefined)
        await client.create(resources.configmaps, {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: ref,
          data,
        });
      else await client.update(resources.configmaps, { ...found, data });
      return;
    } catch (error) {
      // Another receiver's was written meanwhile.
      if (attempt >= attemptsMost || !(isConflict(error) || isAlreadyExists(error))) throw error;
    }
  }
}
