import { compareQuantities, isQuantity, quantityRule } from "../../../base/quantity.ts";
import { dns1123Label } from "../../../client/rules/names.ts";
import type { Volume } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { duplicate, forbidden, invalid, notSupported, required } from "./field-errors.ts";
import { validateDownwardItem, validateItems, validateMode } from "./payload-validation.ts";
import { validateProjected } from "./projected-validation.ts";
import { validateRemoteVolume } from "./remote-volume-validation.ts";

const hostPathTypes = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];

export function validateVolumes(
  volumes: readonly Volume[],
  field: string,
  { isPod }: { readonly isPod: boolean },
): readonly FieldError[] {
  const names = new Set<string>();
  return volumes.flatMap((volume, index) => {
    const at = `${field}[${index}]`;
    const { name } = volume;
    const problems = [...validateSource(volume, at), ...validateRemoteVolume(volume, at, { isPod })];
    if (!name) problems.push(required(`${at}.name`));
    else problems.push(...dns1123Label(name).map((text) => invalid(`${at}.name`, name, text)));
    if (names.has(name)) problems.push(duplicate(`${at}.name`, name));
    names.add(name);
    return problems;
  });
}

function validateSource(volume: Volume, field: string): FieldError[] {
  const given = Object.entries(volume).filter(([key, value]) => key !== "name" && value !== undefined);
  if (given.length === 0) return [required(field, "must specify a volume type")];
  const problems: FieldError[] = given
    .slice(1)
    .map(([key]) => forbidden(`${field}.${key}`, "may not specify more than 1 volume type"));
  const { configMap, secret, hostPath, projected, downwardAPI, emptyDir } = volume;
  if (configMap !== undefined) {
    if (!configMap.name) problems.push(required(`${field}.configMap.name`));
    problems.push(...validateMode(configMap.defaultMode, `${field}.configMap.defaultMode`));
    problems.push(...validateItems(configMap.items, `${field}.configMap.items`));
  }
  if (secret !== undefined) {
    if (!secret.secretName) problems.push(required(`${field}.secret.secretName`));
    problems.push(...validateMode(secret.defaultMode, `${field}.secret.defaultMode`));
    problems.push(...validateItems(secret.items, `${field}.secret.items`));
  }
  if (hostPath !== undefined) problems.push(...validateHostPath(hostPath, `${field}.hostPath`));
  if (projected !== undefined) problems.push(...validateProjected(projected, `${field}.projected`));
  if (downwardAPI !== undefined) {
    problems.push(...validateMode(downwardAPI.defaultMode, `${field}.downwardAPI.defaultMode`));
    for (const item of downwardAPI.items ?? [])
      problems.push(...validateDownwardItem(item, `${field}.downwardAPI`));
  }
  if (emptyDir?.sizeLimit !== undefined)
    problems.push(...validateSizeLimit(emptyDir.sizeLimit, `${field}.emptyDir.sizeLimit`));
  return problems;
}

/** A folder or file of the node's. */
export function validateHostPath(
  { path, type }: { readonly path: string; readonly type?: string },
  field: string,
): readonly FieldError[] {
  if (!path) return [required(`${field}.path`)];
  const problems: FieldError[] = [];
  if (path.split("/").includes("..")) problems.push(invalid(`${field}.path`, path, "must not contain '..'"));
  if (type !== undefined && !hostPathTypes.includes(type))
    problems.push(notSupported(`${field}.type`, type, hostPathTypes));
  return problems;
}

function validateSizeLimit(limit: string, field: string): readonly FieldError[] {
  if (!isQuantity(limit)) return [invalid(field, limit, quantityRule)];
  if (compareQuantities(limit, "0") >= 0) return [];
  return [forbidden(field, "SizeLimit field must be a valid resource quantity")];
}
