import { isAbsolute, normalize, resolve } from "node:path";
import { type FlagTable, type FlagValues, UsageError } from "../../base/os/flags.ts";
import { dns1123Subdomain, labelValue } from "../../client/rules/names.ts";

export const localDriverFlags = {
  endpoint: {
    kind: "string",
    default: "unix:///csi/csi.sock",
    value: "URL",
    help: "the socket to serve CSI at",
  },
  "node-name": { kind: "string", default: "", value: "NAME", help: "the node that the volumes are on" },
  "data-dir": {
    kind: "string",
    default: "/var/lib/pintle/local-path",
    value: "DIR",
    help: "where the volumes are kept",
  },
  "kubelet-dir": {
    kind: "string",
    default: "/var/lib/kubelet",
    value: "DIR",
    help: "the kubelet's (or agent's) folder: volumes are mounted below it, and nowhere else",
  },
  "driver-name": {
    kind: "string",
    default: "local-path.csi.pintle.dev",
    value: "NAME",
    help: "what StorageClasses call the driver",
  },
  "registration-dir": {
    kind: "string",
    value: "DIR",
    help: "the kubelet's plugins_registry, to register there without a node-driver-registrar",
  },
  "kubelet-registration-path": {
    kind: "string",
    value: "FILE",
    help: "the socket's path as the kubelet knows it (default that of --endpoint)",
  },
} as const satisfies FlagTable;

export interface LocalDriverConfig {
  readonly socket: string;
  readonly nodeName: string;
  readonly folder: string;
  readonly kubeletDir: string;
  readonly driverName: string;
  readonly registration: { readonly folder: string; readonly endpoint: string } | undefined;
}

const driverNameMost = 63;
/** Longer ones no socket has. */
const socketCharactersMost = 107;

/** Throws UsageError. */
export function localDriverConfig(flags: FlagValues<typeof localDriverFlags>): LocalDriverConfig {
  const socket = socketOf(flags.endpoint);
  const nodeName = flags["node-name"];
  // It is the value of the volumes' topology label.
  if (nodeName === "" || labelValue(nodeName).length > 0)
    throw new UsageError("--node-name: a name of 1 to 63 characters is needed, as a label's value has");
  const driverName = flags["driver-name"];
  if (driverName.length > driverNameMost || dns1123Subdomain(driverName).length > 0)
    throw new UsageError(`--driver-name: ${JSON.stringify(driverName)} is no CSI driver's name`);
  const registry = flags["registration-dir"];
  const endpoint = flags["kubelet-registration-path"] ?? socket;
  if (registry === undefined && flags["kubelet-registration-path"] !== undefined)
    throw new UsageError("--kubelet-registration-path needs --registration-dir");
  return {
    socket,
    nodeName,
    folder: resolve(flags["data-dir"]),
    kubeletDir: resolve(flags["kubelet-dir"]),
    driverName,
    registration: registry === undefined ? undefined : { folder: resolve(registry), endpoint },
  };
}

function socketOf(endpoint: string): string {
  const path = endpoint.replace(/^unix:(\/\/)?/, "");
  if (!isAbsolute(path) || normalize(path) !== path || path.length > socketCharactersMost)
    throw new UsageError(
      `--endpoint: ${JSON.stringify(endpoint)} is not unix:// and a path of at most ${socketCharactersMost} characters`,
    );
  return path;
}
