import { dns1123Label, envName } from "../../../client/rules/names.ts";
import type { Container } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid, notFound, required } from "./field-errors.ts";
import type { VolumesByName } from "./mount-validation.ts";

type FileKey = NonNullable<NonNullable<NonNullable<Container["env"]>[number]["valueFrom"]>["fileKeyRef"]>;

/** `fileKeyRef` of a variable: a key in a file of one of the pod's own emptyDirs. */
export function validateFileKey(
  { key, volumeName, path }: FileKey,
  field: string,
  volumes: VolumesByName,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (!key) problems.push(required(`${field}.key`));
  else problems.push(...envName(key).map((text) => invalid(`${field}.key`, key, text)));
  if (!volumeName) problems.push(required(`${field}.volumeName`));
  else
    problems.push(
      ...dns1123Label(volumeName).map((text) => invalid(`${field}.volumeName`, volumeName, text)),
    );
  if (!path) problems.push(required(`${field}.path`));
  else if (path.split("/").includes(".."))
    problems.push(invalid(`${field}.path`, path, "must not contain '..'"));
  const volume = volumes.get(volumeName ?? "");
  if (volume === undefined) problems.push(notFound(`${field}.volumeName`, volumeName ?? ""));
  else if (volume.emptyDir === undefined)
    problems.push(invalid(`${field}.volumeName`, volumeName, "referenced volume must be of type emptyDir"));
  return problems;
}
