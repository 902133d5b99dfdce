import { type KubeClient, kinds } from "pintle/client";

/** Has a deployment make all its pods anew, as `kubectl rollout restart` does. */
export async function restart(api: KubeClient, name: string, at = new Date()): Promise<void> {
  const annotations = { "kubectl.kubernetes.io/restartedAt": at.toISOString() };
  await api.patch(
    kinds.Deployment,
    { name },
    { spec: { template: { metadata: { annotations } } } },
    { type: "strategic" },
  );
}
