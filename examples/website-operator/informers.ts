import { setTimeout as sleep } from "node:timers/promises";
import {
  AppsV1Api,
  CustomObjectsApi,
  type Informer,
  type KubeConfig,
  type KubernetesObject,
  makeInformer,
  type ObjectCache,
  type V1Deployment,
} from "@kubernetes/client-node";
import { group, plural, version, type Website, websiteLabel } from "./website.ts";
import { messageOf } from "./work-queue.ts";

export interface Caches {
  readonly websites: ObjectCache<Website>;
  readonly deployments: ObjectCache<V1Deployment>;
}

/** Follows websites and their deployments, and tells of the websites that a change concerns, as `namespace/name`. */
export async function startInformers(
  config: KubeConfig,
  concerns: (key: string) => void,
  signal: AbortSignal,
): Promise<Caches> {
  const custom = config.makeApiClient(CustomObjectsApi);
  const apps = config.makeApiClient(AppsV1Api);
  const websites = makeInformer<Website>(config, `/apis/${group}/${version}/${plural}`, () =>
    custom.listClusterCustomObject({ group, version, plural }),
  );
  const deployments = makeInformer<V1Deployment>(
    config,
    "/apis/apps/v1/deployments",
    () => apps.listDeploymentForAllNamespaces({ labelSelector: websiteLabel }),
    websiteLabel,
  );
  websites.on("change", ({ metadata }) => concerns(`${metadata.namespace}/${metadata.name}`));
  deployments.on("change", ({ metadata }) =>
    concerns(`${metadata?.namespace}/${metadata?.labels?.[websiteLabel]}`),
  );
  await Promise.all([follow(websites, signal), follow(deployments, signal)]);
  return { websites, deployments };
}

/** An informer stops at its first error: start it again, for as long as we run. */
async function follow<T extends KubernetesObject>(informer: Informer<T>, signal: AbortSignal): Promise<void> {
  informer.on("error", async (error) => {
    if (signal.aborted) return;
    console.error(`informer: ${messageOf(error)}`);
    await sleep(restartMs);
    if (!signal.aborted) await informer.start();
  });
  signal.addEventListener("abort", () => void informer.stop(), { once: true });
  await informer.start();
}

const restartMs = 1_000;
