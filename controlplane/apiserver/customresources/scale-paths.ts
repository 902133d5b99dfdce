import { selectPath } from "../../../base/json-path.ts";
import { ownField, setOwnField } from "../../../base/own-field.ts";
import type { KubeObject } from "../../../client/types.ts";
import { isObject, type JsonObject, stringOf } from "../json.ts";
import type { FieldError, Subresources } from "../registry/kind.ts";
import { invalid } from "../resources/field-errors.ts";
import { goKind, goValue } from "../schema/typed-errors.ts";
import type { ScalePaths } from "./definition.ts";

/** Where a custom resource says how many replicas it has, and what may stand there. Pure. */

export function scaleOf(paths: ScalePaths): NonNullable<Subresources["scale"]> {
  const numberAt = (object: KubeObject, path: string) => {
    const value = selectPath(path, object)[0];
    return typeof value === "number" ? value : 0;
  };
  return {
    replicas: (object) => numberAt(object, paths.specReplicasPath),
    missingReplicas: (object) =>
      typeof selectPath(paths.specReplicasPath, object)[0] === "number" ? undefined : paths.specReplicasPath,
    currentReplicas: (object) => numberAt(object, paths.statusReplicasPath),
    selector: (object) =>
      paths.labelSelectorPath === undefined ? "" : stringOf(selectPath(paths.labelSelectorPath, object)[0]),
    path: namesOf(paths.specReplicasPath).map((name) => `f:${name}`),
    setReplicas: (object, replicas) => setAt(object, paths.specReplicasPath, replicas),
  };
}

/** The path is one of plain names: the definition's rules see to that. */
function setAt(object: KubeObject, path: string, value: unknown): void {
  const names = namesOf(path);
  const last = names.pop() ?? "";
  let at: JsonObject = object as unknown as JsonObject;
  for (const name of names) {
    const inner = ownField(at, name);
    const next: JsonObject = isObject(inner) ? inner : {};
    setOwnField(at, name, next);
    at = next;
  }
  setOwnField(at, last, value);
}

/** What is wrong with what the object wants. */
export function scaleSpecProblems(object: object, paths: ScalePaths): readonly FieldError[] {
  return countProblems(object, paths.specReplicasPath);
}

/** What is wrong with what the object says of itself. */
export function scaleStatusProblems(object: object, paths: ScalePaths): readonly FieldError[] {
  const { statusReplicasPath, labelSelectorPath } = paths;
  return [
    ...countProblems(object, statusReplicasPath),
    ...(labelSelectorPath === undefined ? [] : selectorProblems(object, labelSelectorPath)),
  ];
}

const replicasMax = 2 ** 31 - 1;

function countProblems(object: object, path: string): readonly FieldError[] {
  const { value, problem } = valueAt(object, path);
  if (problem !== undefined) return [invalid(path, 0, problem)];
  if (value === undefined) return [];
  if (typeof value !== "bigint" && !Number.isSafeInteger(value))
    return [invalid(path, 0, unfit(namesOf(path), value, "int64"))];
  const count = value as number | bigint;
  if (count < 0) return [invalid(path, count, "should be a non-negative integer")];
  return count > replicasMax ? [invalid(path, count, `should be less than or equal to ${replicasMax}`)] : [];
}

function selectorProblems(object: object, path: string): readonly FieldError[] {
  const { value, problem } = valueAt(object, path);
  if (problem !== undefined) return [invalid(path, "", problem)];
  if (value === undefined || typeof value === "string") return [];
  return [invalid(path, "", unfit(namesOf(path), value, "string"))];
}

/** Undefined where nothing stands; a problem where something on the way is no object. */
function valueAt(object: object, path: string): { readonly value?: unknown; readonly problem?: string } {
  const names = namesOf(path);
  let value: unknown = object;
  for (const [at, name] of names.entries()) {
    if (value === null || value === undefined) return {};
    if (!isObject(value)) return { problem: unfit(names.slice(0, at + 1), value, "map[string]interface{}") };
    if (!Object.hasOwn(value, name)) return {};
    value = value[name];
  }
  return { value };
}

/** In the words of Go's unstructured objects. */
function unfit(names: readonly string[], value: unknown, wanted: string): string {
  return `.${names.join(".")} accessor error: ${goValue(value)} is of the type ${goKind(value)}, expected ${wanted}`;
}

const namesOf = (path: string) => path.replace(/^\./, "").split(".");
