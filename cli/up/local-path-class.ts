import type { ApiClient } from "../../client/api.ts";
import { isAlreadyExists } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import { localPath } from "../../client/rules/local-path.ts";

/** The class of claims that name none: folders of the node on which their first pod runs. One that is there stays as it is. */
export async function ensureLocalPathClass(client: Pick<ApiClient, "create">): Promise<void> {
  const { className, provisioner } = localPath;
  const annotations = { "storageclass.kubernetes.io/is-default-class": "true" };
  await client
    .create(resources.storageclasses, {
      metadata: { name: className, annotations },
      provisioner,
      reclaimPolicy: "Delete",
      volumeBindingMode: "WaitForFirstConsumer",
      allowVolumeExpansion: true,
    })
    .catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
}
