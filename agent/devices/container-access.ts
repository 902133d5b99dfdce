import { DevicePluginError } from "./device-list.ts";
import type { ToldAllocation } from "./messages.ts";

/** How a container gets at the devices that it was given. */
export interface ContainerAccess {
  readonly envs: ReadonlyMap<string, string>;
  readonly mounts: readonly AccessMount[];
  readonly devices: readonly AccessDevice[];
  readonly annotations: ReadonlyMap<string, string>;
  /** Names of the Container Device Interface. */
  readonly cdiDevices: readonly string[];
}

export interface AccessMount {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly readOnly: boolean;
}

export interface AccessDevice {
  readonly containerPath: string;
  /** A device, or a folder of devices. */
  readonly hostPath: string;
  /** Of the letters r, w and m. */
  readonly permissions: string;
}

export const accessLimits = { entriesMost: 4_096, pathBytesMost: 4_095, textCharsMost: 128 * 1024 } as const;

/** Checks what a plugin answers. Throws DevicePluginError. Pure. */
export function readAccess(told: ToldAllocation): ContainerAccess {
  const lists = [told.envs, told.mounts, told.devices, told.annotations, told.cdiDevices];
  if (lists.some(({ length }) => length > accessLimits.entriesMost))
    throw new DevicePluginError("its answer to Allocate is too long");
  for (const { key } of told.envs) if (!isEnvName(key)) throw wrong("environment variable", key);
  for (const { key } of told.annotations) if (!isText(key) || key === "") throw wrong("annotation", key);
  for (const { value } of [...told.envs, ...told.annotations])
    if (!isText(value)) throw new DevicePluginError("a value in its answer to Allocate is no text");
  for (const { containerPath, hostPath } of [...told.mounts, ...told.devices])
    for (const path of [containerPath, hostPath]) if (!isPlainPath(path)) throw wrong("path", path);
  for (const { permissions } of told.devices)
    if (!/^(?!.*(.).*\1)[rwm]{1,3}$/.test(permissions)) throw wrong("set of permissions", permissions);
  for (const { name } of told.cdiDevices) if (!isCdiName(name)) throw wrong("CDI device", name);
  return {
    envs: new Map(told.envs.map(({ key, value }) => [key, value])),
    mounts: told.mounts.map(({ containerPath, hostPath, readOnly }) => ({
      containerPath,
      hostPath,
      readOnly,
    })),
    devices: told.devices.map(({ containerPath, hostPath, permissions }) => ({
      containerPath,
      hostPath,
      permissions,
    })),
    annotations: new Map(told.annotations.map(({ key, value }) => [key, value])),
    cdiDevices: [...new Set(told.cdiDevices.map(({ name }) => name))],
  };
}

const wrong = (what: string, value: string) =>
  new DevicePluginError(`${JSON.stringify(value.slice(0, 200))} in its answer to Allocate is no ${what}`);

const isText = (text: string): boolean => !text.includes("\0") && text.length <= accessLimits.textCharsMost;
const isEnvName = (name: string): boolean => name !== "" && !name.includes("=") && isText(name);

/** Absolute, and leads nowhere but where it says. */
export const isPlainPath = (path: string): boolean =>
  path.startsWith("/") &&
  !path.includes("\0") &&
  Buffer.byteLength(path) <= accessLimits.pathBytesMost &&
  !path.split("/").includes("..");

/** `vendor.com/class=name`, as the CDI specification has it. Pure. */
export const isCdiName = (name: string): boolean =>
  name.length <= 1_024 &&
  /^[A-Za-z](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?\/[A-Za-z](?:[-A-Za-z0-9_]*[A-Za-z0-9])?=[A-Za-z0-9](?:[-A-Za-z0-9_.:]*[A-Za-z0-9])?$/.test(
    name,
  );

/** All that several plugins say of one container: of two that say different things of one the first counts, and `onConflict` is
 *  told. Pure. */
export function joinAccess(
  all: readonly ContainerAccess[],
  onConflict: (what: string) => void,
): ContainerAccess {
  const byKey = <V>(
    what: string,
    pairs: readonly (readonly [string, V])[],
    isSame: (a: V, b: V) => boolean,
  ) => {
    const joined = new Map<string, V>();
    for (const [key, value] of pairs) {
      const known = joined.get(key);
      if (known === undefined) joined.set(key, value);
      else if (!isSame(known, value)) onConflict(`${what} ${key}`);
    }
    return joined;
  };
  const same = (a: string, b: string) => a === b;
  const sameSource = (a: { hostPath: string }, b: { hostPath: string }) => a.hostPath === b.hostPath;
  const at = <P extends { containerPath: string }>(list: readonly P[]) =>
    list.map((one) => [one.containerPath, one] as const);
  return {
    envs: byKey(
      "variable",
      all.flatMap(({ envs }) => [...envs]),
      same,
    ),
    mounts: [
      ...byKey(
        "mount",
        all.flatMap(({ mounts }) => at(mounts)),
        sameSource,
      ).values(),
    ],
    devices: [
      ...byKey(
        "device",
        all.flatMap(({ devices }) => at(devices)),
        sameSource,
      ).values(),
    ],
    annotations: byKey(
      "annotation",
      all.flatMap(({ annotations }) => [...annotations]),
      same,
    ),
    cdiDevices: [...new Set(all.flatMap(({ cdiDevices }) => cdiDevices))],
  };
}
