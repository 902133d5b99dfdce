import type { ApiClient } from "./api.ts";
import { isConflict, isNotFound } from "./api-error.ts";
import { resources } from "./resources.ts";
import type { Pod } from "./types.ts";

/** Takes a pod of which nothing runs from the API: this one, not another that has its name by now. Fine when it is gone. */
export async function deleteAtOnce(pod: Pod, client: Pick<ApiClient, "delete">): Promise<void> {
  const { name, namespace, uid } = pod.metadata;
  try {
    await client.delete(
      resources.pods,
      { name, ...(namespace !== undefined && { namespace }) },
      { gracePeriodSeconds: 0, preconditions: { uid } },
    );
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
