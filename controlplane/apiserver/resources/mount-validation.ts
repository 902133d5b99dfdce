import type { Container, Volume } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { forbidden, invalid, notFound, notSupported, required } from "./field-errors.ts";
import { descendingPath } from "./relative-path.ts";

export type VolumesByName = ReadonlyMap<string, Volume>;

/** `volumeMounts` of a container at `field`. */
export function validateMounts(
  container: Container,
  field: string,
  volumes: VolumesByName,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  const paths = new Set<string>();
  const devices = container.volumeDevices ?? [];
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const { name, mountPath, subPath, subPathExpr } = mount;
    const at = `${field}[${index}]`;
    if (!name) problems.push(required(`${at}.name`));
    if (!volumes.has(name ?? "")) problems.push(notFound(`${at}.name`, name ?? ""));
    if (!mountPath) problems.push(required(`${at}.mountPath`));
    if (paths.has(mountPath)) problems.push(invalid(`${at}.mountPath`, mountPath, "must be unique"));
    paths.add(mountPath);
    if (devices.some((one) => one.name === name))
      problems.push(invalid(`${at}.name`, name, "must not already exist in volumeDevices"));
    if (devices.some((one) => one.devicePath === mountPath)) {
      const text = "must not already exist as a path in volumeDevices";
      problems.push(invalid(`${at}.mountPath`, mountPath, text));
    }
    // Here and below Kubernetes leaves the index out.
    if (subPath) problems.push(...descendingPath(subPath, `${field}.subPath`));
    if (subPath && subPathExpr)
      problems.push(
        invalid(`${at}.subPathExpr`, subPathExpr, "subPathExpr and subPath are mutually exclusive"),
      );
    if (subPathExpr) problems.push(...descendingPath(subPathExpr, `${field}.subPathExpr`));
    problems.push(
      ...validatePropagation(container, mount, `${field}.mountPropagation`),
      ...validateRecursiveReadOnly(mount, `${field}.recursiveReadOnly`),
    );
  }
  return problems;
}

type Mount = NonNullable<Container["volumeMounts"]>[number];

const propagations = ["Bidirectional", "HostToContainer", "None"];

function validatePropagation(
  { securityContext }: Container,
  { mountPropagation: asked }: Mount,
  field: string,
): readonly FieldError[] {
  if (asked === undefined) return [];
  if (!propagations.includes(asked)) return [notSupported(field, asked, propagations)];
  if (asked !== "Bidirectional" || securityContext?.privileged === true) return [];
  return [forbidden(field, "Bidirectional mount propagation is available only to privileged containers")];
}

function validateRecursiveReadOnly(mount: Mount, field: string): readonly FieldError[] {
  const { recursiveReadOnly: asked, readOnly, mountPropagation = "None" } = mount;
  if (asked === undefined || asked === "Disabled") return [];
  if (asked !== "Enabled" && asked !== "IfPossible")
    return [notSupported(field, asked, ["Disabled", "Enabled", "IfPossible"])];
  return [
    ...(readOnly === true ? [] : [forbidden(field, "may only be specified when readOnly is true")]),
    ...(mountPropagation === "None"
      ? []
      : [forbidden(field, "may only be specified when mountPropagation is None or not specified")]),
  ];
}

/** `volumeDevices` of a container at `field`. */
export function validateDevices(
  { volumeDevices = [], volumeMounts = [] }: Container,
  field: string,
  volumes: VolumesByName,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  const paths = new Set<string>();
  const names = new Set<string>();
  for (const [index, { name, devicePath }] of volumeDevices.entries()) {
    const at = `${field}[${index}]`;
    const volume = volumes.get(name);
    if (!name) problems.push(required(`${at}.name`));
    if (names.has(name)) problems.push(invalid(`${at}.name`, name, "must be unique"));
    if (volume && !volume.persistentVolumeClaim && !volume.ephemeral) {
      const text = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
      problems.push(invalid(`${at}.name`, name, text));
    }
    if (volume === undefined) problems.push(notFound(`${at}.name`, name ?? ""));
    if (!devicePath) problems.push(required(`${at}.devicePath`));
    if (paths.has(devicePath)) problems.push(invalid(`${at}.devicePath`, devicePath, "must be unique"));
    if (devicePath?.split("/").includes(".."))
      problems.push(invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')"));
    else paths.add(devicePath);
    if (volumeMounts.some((one) => one.name === name))
      problems.push(invalid(`${at}.name`, name, "must not already exist in volumeMounts"));
    if (volumeMounts.some((one) => one.mountPath === devicePath)) {
      const text = "must not already exist as a path in volumeMounts";
      problems.push(invalid(`${at}.devicePath`, devicePath, text));
    }
    if (name) names.add(name);
  }
  return problems;
}
