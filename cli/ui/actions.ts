import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import type { CronJob, KubeObject, Ref, Secret } from "../../client/types.ts";
import { OperatorError } from "../command.ts";
import type { DiscoveredResource } from "../kubectl/discovery.ts";

/** What the person may have done to an object, as kubectl does it. Each answers what was done. */
const fieldManager = "pintle";

export async function scale(
  client: RestClient,
  kind: DiscoveredResource,
  ref: Ref,
  text: string,
): Promise<string> {
  const replicas = Number(text);
  if (!/^\d{1,9}$/.test(text.trim()))
    throw new OperatorError(`replicas: "${text}" is not a number of 0 or more`);
  await client.patch(
    kind,
    ref,
    { spec: { replicas } },
    { type: "merge", subresource: "scale", fieldManager },
  );
  return `${ref.name} scaled to ${replicas}`;
}

export async function restart(
  client: RestClient,
  kind: DiscoveredResource,
  ref: Ref,
  nowMs: number,
): Promise<string> {
  const annotations = { "kubectl.kubernetes.io/restartedAt": new Date(nowMs).toISOString() };
  const patch = { spec: { template: { metadata: { annotations } } } };
  await client.patch(kind, ref, patch, { type: "strategic", fieldManager });
  return `${ref.name} restarts`;
}

export async function cordon(client: RestClient, ref: Ref, isCordoned: boolean): Promise<string> {
  const patch = { spec: { unschedulable: isCordoned ? true : null } };
  await client.patch(resources.nodes, ref, patch, { type: "merge", fieldManager });
  return `${ref.name} ${isCordoned ? "takes no new pods" : "takes pods again"}`;
}

export async function suspend(client: RestClient, ref: Ref): Promise<string> {
  const { spec } = await client.get(resources.cronjobs, ref);
  const isSuspended = !spec.suspend;
  const patch = { spec: { suspend: isSuspended } };
  await client.patch(resources.cronjobs, ref, patch, { type: "merge", fieldManager });
  return `${ref.name} ${isSuspended ? "is suspended" : "goes on"}`;
}

const jobNameMost = 63;

/** Runs a cron job's job now. */
export async function trigger(client: RestClient, ref: Ref, nowMs: number): Promise<string> {
  const cronJob: CronJob = await client.get(resources.cronjobs, ref);
  const { name, namespace, uid } = cronJob.metadata;
  const suffix = `-manual-${Math.floor(nowMs / 1000).toString(36)}`;
  const { metadata, spec } = cronJob.spec.jobTemplate;
  const job = await client.create(resources.jobs, {
    metadata: {
      name: name.slice(0, jobNameMost - suffix.length) + suffix,
      ...(namespace !== undefined && { namespace }),
      ...(metadata?.labels && { labels: metadata.labels }),
      annotations: { ...metadata?.annotations, "cronjob.kubernetes.io/instantiate": "manual" },
      ownerReferences: [{ apiVersion: "batch/v1", kind: "CronJob", name, uid, controller: true }],
    },
    spec,
  } as Parameters<typeof client.create<KubeObject>>[1] as never);
  return `${(job as KubeObject).metadata.name} runs`;
}

/** A secret's values as text, those that are none by their size. */
export async function decoded(client: RestClient, ref: Ref): Promise<readonly (readonly [string, string])[]> {
  const secret: Secret = await client.get(resources.secrets, ref);
  return Object.entries(secret.data ?? {}).map(([key, value]) => {
    const bytes = Buffer.from(value, "base64");
    const text = bytes.toString("utf8");
    return [key, text.includes("\ufffd") ? `(${bytes.length} bytes that are no text)` : text];
  });
}
