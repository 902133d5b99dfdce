import { compareQuantities } from "../../../base/quantity.ts";
import type { Volume } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { duplicate, forbidden, invalid, notSupported, required } from "./field-errors.ts";
import { dns1123Label } from "./names.ts";

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
const modeMax = 0o777;

export function validateVolumes(volumes: readonly Volume[], field: string): readonly FieldError[] {
  const names = new Set<string>();
  return volumes.flatMap((volume, index) => {
    const at = `${field}[${index}]`;
    const { name } = volume;
    const problems = validateSource(volume, at);
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
  const { emptyDir, configMap, secret, hostPath, projected, persistentVolumeClaim } = volume;
  if (emptyDir?.sizeLimit !== undefined && compareQuantities(emptyDir.sizeLimit, "0") < 0)
    problems.push(
      forbidden(`${field}.emptyDir.sizeLimit`, "SizeLimit field must be a valid resource quantity"),
    );
  if (configMap !== undefined) {
    if (!configMap.name) problems.push(required(`${field}.configMap.name`));
    problems.push(...validateItems(configMap, `${field}.configMap`));
  }
  if (secret !== undefined) {
    if (!secret.secretName) problems.push(required(`${field}.secret.secretName`));
    problems.push(...validateItems(secret, `${field}.secret`));
  }
  if (hostPath !== undefined) {
    if (!hostPath.path) problems.push(required(`${field}.hostPath.path`));
    else if (hostPath.path.split("/").includes(".."))
      problems.push(invalid(`${field}.hostPath.path`, hostPath.path, "must not contain '..'"));
    if (hostPath.type !== undefined && !hostPathTypes.includes(hostPath.type))
      problems.push(notSupported(`${field}.hostPath.type`, hostPath.type, hostPathTypes));
  }
  if (projected !== undefined)
    problems.push(...validateMode(projected.defaultMode, `${field}.projected.defaultMode`));
  if (persistentVolumeClaim !== undefined && !persistentVolumeClaim.claimName)
    problems.push(required(`${field}.persistentVolumeClaim.claimName`));
  return problems;
}

type Items = readonly { readonly key: string; readonly path: string; readonly mode?: number }[];

function validateItems(
  { items = [], defaultMode }: { items?: Items; defaultMode?: number },
  field: string,
): readonly FieldError[] {
  const problems: FieldError[] = [...validateMode(defaultMode, `${field}.defaultMode`)];
  for (const [index, { key, path, mode }] of items.entries()) {
    const at = `${field}.items[${index}]`;
    if (!key) problems.push(required(`${at}.key`));
    if (!path) problems.push(required(`${at}.path`));
    else if (path.startsWith("/")) problems.push(invalid(`${at}.path`, path, "must be a relative path"));
    else if (path.split("/").includes(".."))
      problems.push(invalid(`${at}.path`, path, "must not contain '..'"));
    problems.push(...validateMode(mode, `${at}.mode`));
  }
  return problems;
}

function validateMode(mode: number | undefined, field: string): readonly FieldError[] {
  if (mode === undefined || (mode >= 0 && mode <= modeMax)) return [];
  return [invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive")];
}
