import { createHash } from "node:crypto";
import { mirrorAnnotation, staticAnnotations, staticPodReference } from "../../client/rules/static-pods.ts";
import type { Node, Pod } from "../../client/types.ts";

/** Reads and judges what a file says of a pod; `place` says in between where it is to be. Throws an Error that says what is
 *  wrong. */
export type ReadManifest = (text: string, place: (pod: Pod) => void) => Pod;

/** Metadata that a file may give. */
const givenMetadata: ReadonlySet<string> = new Set(["name", "namespace", "labels", "annotations"]);

/** Makes of what a file says the pod of this node, as the kubelet does: its name ends in the node's, its uid is a hash of all
 *  that it is. Mutates. Throws an Error for what is not the file's to say. */
export function placeStaticPod(
  pod: Pod,
  { nodeName, file }: { readonly nodeName: string; readonly file: string },
): void {
  const { metadata, spec } = pod;
  for (const [name, value] of Object.entries(metadata))
    if (!givenMetadata.has(name) && value !== "") throw new Error(`metadata.${name} is not a file's to set`);
  if (metadata.name === "") throw new Error("metadata.name is needed");
  for (const key of [mirrorAnnotation, ...Object.values(staticAnnotations)])
    if (metadata.annotations?.[key] !== undefined)
      throw new Error(`metadata.annotations[${key}] is not a file's to set`);
  if (spec.nodeName !== undefined && spec.nodeName !== nodeName)
    throw new Error(`spec.nodeName: ${spec.nodeName} is another node`);
  const referred = staticPodReference(spec, metadata.name);
  if (referred !== undefined) throw new Error(`static pods may not reference ${referred}`);
  const { labels, annotations } = metadata;
  const namespace = metadata.namespace ?? "default";
  const whole = JSON.stringify([nodeName, file, metadata.name, namespace, labels, annotations, spec]);
  const hash = createHash("sha256").update(whole).digest("hex").slice(0, 32);
  pod.metadata = {
    name: `${metadata.name}-${nodeName}`,
    namespace,
    uid: hash,
    resourceVersion: "",
    creationTimestamp: "",
    ...(labels && { labels }),
    annotations: {
      ...annotations,
      [staticAnnotations.hash]: hash,
      [staticAnnotations.source]: "file",
      [mirrorAnnotation]: hash,
    },
  };
  spec.nodeName = nodeName;
  // Not to be evicted where the node is in trouble.
  const tolerations = spec.tolerations ?? [];
  if (
    !tolerations.some(({ key, operator, effect }) => !key && operator === "Exists" && effect === "NoExecute")
  )
    spec.tolerations = [...tolerations, { operator: "Exists", effect: "NoExecute" }];
}

/** What the API is to show of a static pod. */
export function mirrorOf({ metadata, spec }: Pod, node: Pick<Node, "metadata">) {
  const { name, namespace, labels, annotations } = metadata;
  const { name: nodeName, uid } = node.metadata;
  return {
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ownerReferences: [{ apiVersion: "v1", kind: "Node", name: nodeName, uid, controller: true }],
    },
    spec,
  };
}
