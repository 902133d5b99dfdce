import { isAbsolute, normalize } from "node:path";
import { dns1123Subdomain, labelValue, qualifiedName } from "../../client/rules/names.ts";
import { labelsForbiddenToNodes } from "../../client/rules/node-labels.ts";
import type { NodeInfo, RegisteredPlugin } from "./messages.ts";

/** What a driver says of itself, held to what may become names, paths and labels. Pure: each throws an Error that says what is
 *  wrong. */

const driverCharactersMost = 63;
const nodeIdCharactersMost = 256;
/** Longer ones no socket has. */
const socketCharactersMost = 107;
const topologyKeysMost = 64;
const countMost = 2 ** 31 - 1;

export interface PluginFacts {
  readonly name: string;
  readonly socket: string;
}

/** @param from The socket that it registered by, which serves the driver, too, where it names no other. */
export function pluginFacts(
  { type, name, endpoint, supportedVersions }: RegisteredPlugin,
  from: string,
): PluginFacts {
  if (type !== "CSIPlugin")
    throw new Error(`plugins of type ${JSON.stringify(type)} are not supported by this node`);
  if (name.length > driverCharactersMost || dns1123Subdomain(name.toLowerCase()).length > 0)
    throw new Error(`${JSON.stringify(name.slice(0, 2 * driverCharactersMost))} is no CSI driver's name`);
  if (!supportedVersions.some((version) => /^v?1\.\d+\.\d+$/.test(version)))
    throw new Error("none of its versions of CSI is supported; this node supports 1.x");
  const socket = endpoint === "" ? from : endpoint;
  if (
    !isAbsolute(socket) ||
    normalize(socket) !== socket ||
    socket.length > socketCharactersMost ||
    socket.includes("\0")
  )
    throw new Error("its endpoint is not the path of a socket");
  return { name, socket };
}

/** What the cluster is told of a driver on this node. */
export interface NodeFacts {
  readonly nodeId: string;
  /** How many volumes the node can have of it; undefined: nobody knows. */
  readonly volumesMost: number | undefined;
  /** Labels that say from where its volumes can be reached. */
  readonly topology: Readonly<Record<string, string>>;
}

export function nodeFacts({ nodeId, maxVolumesPerNode, accessibleTopology }: NodeInfo): NodeFacts {
  if (nodeId === "" || nodeId.length > nodeIdCharactersMost)
    throw new Error(`its id of this node is not of 1 to ${nodeIdCharactersMost} characters`);
  if (maxVolumesPerNode < 0) throw new Error("its number of volumes a node is negative");
  const segments = accessibleTopology?.segments ?? [];
  if (segments.length > topologyKeysMost)
    throw new Error(`it names more than ${topologyKeysMost} topology keys`);
  for (const { key, value } of segments) {
    const [problem] = [...qualifiedName(key), ...labelValue(value)];
    if (problem !== undefined)
      throw new Error(`its topology ${JSON.stringify([key, value]).slice(0, 300)}: ${problem}`);
  }
  const [forbidden] = labelsForbiddenToNodes(segments.map(({ key }) => key));
  if (forbidden !== undefined)
    throw new Error(`its topology key ${forbidden} is a label that a node must not set on itself`);
  return {
    nodeId,
    volumesMost: maxVolumesPerNode === 0 ? undefined : Math.min(maxVolumesPerNode, countMost),
    topology: Object.fromEntries(segments.map(({ key, value }) => [key, value])),
  };
}
