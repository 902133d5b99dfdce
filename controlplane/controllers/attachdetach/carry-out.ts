import { isAlreadyExists, orAbsent } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import { attachmentFor, type CsiVolume } from "../../../client/rules/csi-volume-names.ts";
import type { Draft, Node, PersistentVolume, Pod, VolumeAttachment } from "../../../client/types.ts";
import type { ControllerContext } from "../controller.ts";
import { isInUse, isReported } from "./observe-volume.ts";
import type { ForcedBy } from "./plan-attachments.ts";

type Client = ControllerContext["client"];

/** Undefined: it was asked for a moment ago. */
export async function attach(
  client: Client,
  csi: CsiVolume,
  { volume, node }: { readonly volume: PersistentVolume; readonly node: string },
): Promise<VolumeAttachment | undefined> {
  try {
    const wanted = attachmentFor(csi, volume.metadata.name, node) as Draft<VolumeAttachment>;
    return await client.create(resources.volumeattachments, wanted);
  } catch (error) {
    if (isAlreadyExists(error)) return undefined;
    throw error;
  }
}

/** Says in the node's status whether the volume may be mounted. Names the version it goes on from: of two volumes whose entries
 *  are written at once, one is tried again. */
export async function report(
  client: Client,
  node: Node,
  { name, attached }: { readonly name: string; readonly attached: boolean },
): Promise<Node> {
  const others = (node.status?.volumesAttached ?? []).filter((one) => one.name !== name);
  const volumesAttached = attached ? [...others, { name, devicePath: "" }] : others;
  const { name: nodeName, resourceVersion } = node.metadata;
  return client.patch(
    resources.nodes,
    { name: nodeName },
    { metadata: { resourceVersion }, status: { volumesAttached } },
    { type: "merge", subresource: "status" },
  );
}

/** The node is told first, and what it says after that counts: it mounts nothing that it is told not to. Rejects where the
 *  volume is in use. */
export async function detach(
  client: Client,
  name: string,
  {
    attachment,
    forcedBy,
  }: { readonly attachment: VolumeAttachment; readonly forcedBy: ForcedBy | undefined },
): Promise<void> {
  const { nodeName } = attachment.spec;
  const found = await orAbsent(client.get(resources.nodes, { name: nodeName }));
  const node =
    found !== undefined && isReported(found, name)
      ? await orAbsent(report(client, found, { name, attached: false }))
      : found;
  if (forcedBy === undefined && node !== undefined && isInUse(node, name))
    throw new Error(
      `detaching ${name} from ${nodeName}: volume is still in use by node, according to Node status`,
    );
  const { uid } = attachment.metadata;
  await orAbsent(client.delete(resources.volumeattachments, attachment.metadata, { preconditions: { uid } }));
}

/** Whom of the pods that use the volume elsewhere the pod's users may hear of: those in its namespace by name. */
export function exclusionText(pod: Pod, users: readonly Pod[]): string {
  if (users.length === 0)
    return "Volume is already exclusively attached to one node and can't be attached to another";
  const near = users.filter(({ metadata }) => metadata.namespace === pod.metadata.namespace);
  const names = near.map(({ metadata }) => metadata.name).join(", ");
  const far = users.length - near.length;
  if (near.length === 0) return `Volume is already used by ${far} pod(s) in different namespaces`;
  const others = far > 0 ? ` and ${far} pod(s) in different namespaces` : "";
  return `Volume is already used by pod(s) ${names}${others}`;
}
