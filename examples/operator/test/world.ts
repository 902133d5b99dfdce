import { readFile } from "node:fs/promises";
import { type Cluster, startCluster } from "pintle";
import { type KubeClient, type Operator, startControllers } from "pintle/client";
import { previewController } from "../src/controller.ts";
import { PreviewEnvironment, type PreviewSpec } from "../src/preview.ts";

/** A cluster with the definition and the rights of deploy/. Time stands still, unless something is waited for. */
export async function startWorld(clock: "manual" | "real" = "manual"): Promise<Cluster> {
  const cluster = await startCluster({ clock });
  for (const file of ["crd.yaml", "rbac.yaml"])
    await cluster.apply(await readFile(new URL(`../deploy/${file}`, import.meta.url), "utf8"));
  return cluster;
}

/** A client with the rights of the operator's service account, and nothing beside. */
export function operatorClient(cluster: Cluster, name = "operator"): KubeClient {
  const user = "system:serviceaccount:preview-system:preview-operator";
  return cluster.clientFor(user, { name, fieldManager: "preview-operator" });
}

/** One replica of the operator. */
export function startOperator(cluster: Cluster, name = "operator"): Operator {
  return startControllers(operatorClient(cluster, name), [previewController()], {
    leaderElection: { name: "preview-operator", namespace: "preview-system", identity: name },
  });
}

export const preview = (name: string, spec: Partial<PreviewSpec> = {}) => ({
  apiVersion: "example.com/v1",
  kind: "PreviewEnvironment",
  metadata: { name, namespace: "default" },
  spec,
});

/** Waits until a preview's condition `Ready` is as said. */
export function untilReady(cluster: Cluster, name: string, status = "True"): Promise<PreviewEnvironment> {
  const isSo = ({ metadata, status: is }: PreviewEnvironment) =>
    metadata.name === name && is?.conditions?.some((one) => one.type === "Ready" && one.status === status);
  return cluster.until(PreviewEnvironment, (all) => all.find(isSo));
}

/** Waits until a preview is gone, and its namespace. */
export function untilGone(cluster: Cluster, preview: PreviewEnvironment): Promise<void> {
  const namespace = {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: preview.status?.namespace ?? "" },
  };
  return cluster.untilGone([preview, namespace]);
}
