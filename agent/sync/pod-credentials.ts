import type { Pod, Secret } from "../../client/types.ts";
import { type PullCredentials, pullCredentials } from "../images/pull-credentials.ts";
import type { Reference } from "../images/reference.ts";
import type { PodContext } from "./pod-context.ts";

/** What the pod's imagePullSecrets hold for an image. */
export async function podCredentials(
  pod: Pod,
  reference: Reference,
  { sources, events }: Pick<PodContext, "sources" | "events">,
): Promise<readonly PullCredentials[]> {
  const secrets: Secret[] = [];
  const missing: string[] = [];
  for (const { name } of pod.spec.imagePullSecrets ?? []) {
    if (!name) continue;
    // Followed like all that the pod refers to, so that a restart does not wait for the API.
    const secret = await sources.secret(pod.metadata.namespace ?? "", name);
    if (secret === undefined) missing.push(name);
    else secrets.push(secret);
  }
  if (missing.length > 0) {
    const message = `Unable to retrieve some image pull secrets (${missing.join(", ")}); attempting to pull the image may not succeed.`;
    events.record(pod, { type: "Warning", reason: "FailedToRetrieveImagePullSecret", message });
  }
  return pullCredentials(secrets, reference);
}
