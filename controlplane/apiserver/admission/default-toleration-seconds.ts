import type { Attributes, Plugin } from "./admission.ts";
import { writtenPod } from "./new-pod.ts";

/** How long a pod stays on a node that is not ready or cannot be reached, unless it says otherwise. */
const evictionDelaySeconds = 300;

/** Kubernetes' DefaultTolerationSeconds. */
export const defaultTolerationSeconds: Plugin = { mutate: addTolerations };

function addTolerations(attributes: Attributes): void {
  const pod = writtenPod(attributes);
  if (pod === undefined) return;
  const tolerations = pod.spec.tolerations ?? [];
  for (const key of ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]) {
    const tolerated = tolerations.some(
      (one) => (one.key === key || !one.key) && (one.effect === "NoExecute" || !one.effect),
    );
    if (!tolerated)
      tolerations.push({
        key,
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: evictionDelaySeconds,
      });
  }
  pod.spec.tolerations = tolerations;
}
