import type { ApiClient } from "../../client/api.ts";
import { isAlreadyExists } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import { ingressClassName, ingressController } from "../../client/rules/ingress-class.ts";

/** The class of Ingresses that name none: the nodes answer for them. One that is there stays as it is. */
export async function ensureIngressClass(client: Pick<ApiClient, "create">): Promise<void> {
  const annotations = { "ingressclass.kubernetes.io/is-default-class": "true" };
  await client
    .create(resources.ingressclasses, {
      metadata: { name: ingressClassName, annotations },
      spec: { controller: ingressController },
    })
    .catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
}
