import { UsageError } from "../../../base/os/flags.ts";
import { readPem } from "../../../base/pem.ts";
import { isAlreadyExists, isNotFound } from "../../../client/api-error.ts";
import type { Informer } from "../../../client/informer.ts";
import { loadKubeconfig } from "../../../client/kubeconfig.ts";
import type { Stored } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import type { WorkQueue } from "../../../client/work-queue.ts";
import { isNamespaceTerminating } from "../claim-shell.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import type { ControllerManagerConfig } from "../flags.ts";
import { enqueueSelf } from "../owner-events.ts";
import { type ContentAction, planRootCa, planServiceAccount, rootCaName } from "./plan-namespace-content.ts";
import { observed, rootCaMetrics } from "./root-ca-metrics.ts";

export const serviceAccountController: Controller = {
  name: "serviceaccount-controller",
  workers: 1,
  setUp(context, queue) {
    const namespaces = context.informers.informer(resources.namespaces);
    const accounts = context.informers.informer(resources.serviceaccounts);
    enqueueSelf(queue, namespaces);
    enqueueNamespace(queue, accounts, "default");
    return async (name) => {
      const namespace = namespaces.getByKey(name);
      if (namespace === undefined) return;
      const existing = accounts.get({ name: "default", namespace: name });
      for (const step of planServiceAccount(namespace, existing)) await carryOut(context, step);
    };
  },
};

export const rootCaController: Controller = {
  name: "root-ca-certificate-publisher-controller",
  workers: 1,
  setUp(context, queue) {
    const caPem = rootCa(context.config) ?? "";
    const metrics = rootCaMetrics(context.meter);
    const namespaces = context.informers.informer(resources.namespaces);
    const maps = context.informers.informer(resources.configmaps, {
      fieldSelector: `metadata.name=${rootCaName}`,
    });
    enqueueSelf(queue, namespaces);
    enqueueNamespace(queue, maps, rootCaName);
    const publish = async (name: string) => {
      const namespace = namespaces.getByKey(name);
      if (namespace === undefined) return;
      const existing = maps.get({ name: rootCaName, namespace: name });
      for (const step of planRootCa(namespace, existing, caPem)) await carryOut(context, step);
    };
    return (name) => observed(metrics, context.clock, () => publish(name));
  },
};

/** The authority of `--root-ca-file`, else of the kubeconfig. Throws UsageError when the file cannot be read or holds no
 *  certificate. */
export function rootCa(config: ControllerManagerConfig): string | undefined {
  if (config.rootCaFile === undefined) return loadKubeconfig(config.kubeconfig).caPem;
  let pem: string;
  try {
    pem = config.readText(config.rootCaFile);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--root-ca-file: cannot read ${config.rootCaFile}: ${why}`);
  }
  if (readPem(pem).some(({ type }) => type === "CERTIFICATE")) return pem;
  throw new UsageError(`--root-ca-file: ${config.rootCaFile} holds no certificate`);
}

/** The namespace is the key whenever its object of this name changes or goes. */
function enqueueNamespace<T extends Stored>(queue: WorkQueue, informer: Informer<T>, name: string): void {
  const enqueue = ({ metadata }: T) => {
    if (metadata.name === name && metadata.namespace !== undefined) queue.add(metadata.namespace);
  };
  informer.subscribe({ onUpdate: enqueue, onDelete: enqueue });
}

async function carryOut({ client }: ControllerContext, step: ContentAction): Promise<void> {
  try {
    switch (step.action) {
      case "createServiceAccount":
        await client.create(resources.serviceaccounts, step.object);
        return;
      case "createConfigMap":
        await client.create(resources.configmaps, step.object);
        return;
      case "updateConfigMap":
        await client.update(resources.configmaps, step.object);
    }
  } catch (error) {
    // Made meanwhile, or its namespace is going: what the cache shows next decides.
    if (!isAlreadyExists(error) && !isNotFound(error) && !isNamespaceTerminating(error)) throw error;
  }
}
