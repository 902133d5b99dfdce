import { createHash } from "node:crypto";
import { isAbsolute, normalize } from "node:path";
import type { Of } from "../../base/protobuf.ts";
import type { controllerCalls } from "../csi/controller-messages.ts";
import type { AccessMode, TextEntry } from "../csi/messages.ts";
import { DriverError, invalid } from "./driver-error.ts";

/** What callers may ask for, held to what a folder of this node can be. Pure: each throws a DriverError that says what is
 *  wrong. */

type CreateRequest = Of<(typeof controllerCalls)["CreateVolume"][0]>;
export type Capability = CreateRequest["volumeCapabilities"][number];

const nameBytesMost = 128;
const pathBytesMost = 4095;

/** CSI's: of a volume that is to be made. */
export function checkName(name: string): string {
  if (name === "") throw invalid("name is missing");
  if (Buffer.byteLength(name) > nameBytesMost) throw invalid(`name is longer than ${nameBytesMost} bytes`);
  return name;
}

/** Of a name: the same each time it is asked for, and itself a plain name, whatever that is. */
export const idOf = (name: string): string =>
  `local-${createHash("sha256").update(name).digest("hex").slice(0, 40)}`;

export const isId = (id: string): boolean => /^local-[0-9a-f]{40}$/.test(id);

export function checkId(id: string): string {
  if (id === "") throw invalid("volume_id is missing");
  return id;
}

const modes: ReadonlySet<unknown> = new Set<AccessMode>([
  "SINGLE_NODE_WRITER",
  "SINGLE_NODE_READER_ONLY",
  "SINGLE_NODE_SINGLE_WRITER",
  "SINGLE_NODE_MULTI_WRITER",
]);
const mountFlags: ReadonlySet<string> = new Set([
  "ro",
  "rw",
  "nosuid",
  "nodev",
  "noexec",
  "noatime",
  "nodiratime",
  "relatime",
]);

export interface Use {
  readonly mode: AccessMode;
  readonly flags: readonly string[];
}

/** Says why the volume cannot be used so; undefined: it can. */
export function whyUnfit(capability: Capability): string | undefined {
  const { block, mount, accessMode } = capability;
  if (block !== undefined) return "block volumes are not supported: a volume is a folder of the node";
  if (mount === undefined) return "volume_capability.access_type is missing";
  const { mode } = accessMode ?? {};
  if (mode === undefined || mode === "UNKNOWN") return "volume_capability.access_mode is missing";
  if (!modes.has(mode)) return `access mode ${mode} is not supported: a volume is on one node`;
  if (mount.fsType !== "") return "fs_type is not supported: a volume is a folder of the node";
  if (mount.volumeMountGroup !== "") return "volume_mount_group is not supported";
  const flag = mount.mountFlags.find((one) => !mountFlags.has(one));
  return flag === undefined ? undefined : `mount flag ${JSON.stringify(flag.slice(0, 100))} is not supported`;
}

export function checkUse(capability: Capability | undefined): Use {
  if (capability === undefined) throw invalid("volume_capability is missing");
  const why = whyUnfit(capability);
  if (why !== undefined) throw invalid(why);
  return {
    mode: capability.accessMode?.mode as AccessMode,
    flags: (capability.mount?.mountFlags ?? []).filter((flag) => flag !== "rw"),
  };
}

/** What external-provisioner's --extra-create-metadata adds, which names the claim. */
const claimParameters = /^csi\.storage\.k8s\.io\/(pv\/name|pvc\/name|pvc\/namespace)$/;

export function refuseParameters(field: string, parameters: readonly TextEntry[]): void {
  const unknown = parameters.find(({ key }) => !claimParameters.test(key));
  if (unknown !== undefined)
    throw invalid(`${field} ${JSON.stringify(unknown.key.slice(0, 100))} is not supported`);
}

export function refuseSecrets(secrets: readonly unknown[]): void {
  if (secrets.length > 0) throw invalid("secrets are not supported: there is nobody to show them to");
}

export interface Size {
  readonly bytes: number;
  /** 0: none. */
  readonly limitBytes: number;
}

/** 0 bytes: whoever asks does not care. */
export function sizeOf(range: CreateRequest["capacityRange"]): Size {
  const { requiredBytes = 0, limitBytes = 0 } = range ?? {};
  if (requiredBytes < 0 || limitBytes < 0) throw invalid("capacity_range is negative");
  if (limitBytes > 0 && limitBytes < requiredBytes)
    throw invalid("capacity_range: limit_bytes is less than required_bytes");
  return { bytes: requiredBytes === 0 ? limitBytes : requiredBytes, limitBytes };
}

export const isWithin = (bytes: number, { bytes: wanted, limitBytes }: Size): boolean =>
  bytes >= wanted && (limitBytes === 0 || bytes <= limitBytes);

/** The path of a pod's volume, below the kubelet's folder and written in the one way that leads nowhere else. */
export function checkTarget(path: string, kubeletDir: string): string {
  if (path === "") throw invalid("target_path is missing");
  if (
    !isAbsolute(path) ||
    normalize(path) !== path ||
    path.endsWith("/") ||
    path.includes("\0") ||
    Buffer.byteLength(path) > pathBytesMost
  )
    throw invalid("target_path is not a plain absolute path");
  if (!path.startsWith(`${kubeletDir}/`)) throw invalid(`target_path is not below ${kubeletDir}`);
  return path;
}

/** Volumes are made on this node alone. */
export function checkTopology(
  requirement: CreateRequest["accessibilityRequirements"],
  segments: Readonly<Record<string, string>>,
): void {
  const requisite = requirement?.requisite ?? [];
  if (requisite.length > 0 && !requisite.some((one) => isOf(one.segments, segments)))
    throw new DriverError("RESOURCE_EXHAUSTED", "accessibility_requirements do not name this node");
}

/** Whether a topology names the node, or one wider than it. */
export const isOf = (wanted: readonly TextEntry[], segments: Readonly<Record<string, string>>): boolean =>
  wanted.every(({ key, value }) => segments[key] === value);
