import { isDeepStrictEqual } from "node:util";
import { cloneJson } from "../../../base/clone-json.ts";
import { exactJsonText } from "../../../base/exact-json.ts";
import { setOwnField } from "../../../base/own-field.ts";
import { isObject, type JsonObject } from "../json.ts";

/** The operations of JSON patches (RFC 6902) as the library applies them that Kubernetes uses: lists may be counted from their
 *  end, a path need not begin with a slash, what is not there can be replaced in a map, and be copied as null. Pure. */

/** As in Kubernetes. */
export const jsonPatchLimits = {
  operationsMax: 10_000,
  /** By so much may all `copy` operations together make an object grow. */
  copiedBytesMax: 3 * 1024 * 1024,
} as const;

/** An operation does not fit; in the library's words. */
export class PatchFailure extends Error {
  override readonly name = "PatchFailure";
  readonly isFailedTest: boolean;

  constructor(message: string, isFailedTest = false) {
    super(message);
    this.isFailedTest = isFailedTest;
  }
}

/** The document with all operations applied; `current` may be changed. Fails with PatchFailure. */
export function applyOperations(current: unknown, patch: readonly JsonObject[]): unknown {
  const root: Root = { document: current, copiedBytes: 0 };
  for (const operation of cloneJson(patch)) {
    const kind = typeof operation.op === "string" ? operation.op : "unknown";
    const run = Object.hasOwn(operations, kind) ? operations[kind] : undefined;
    if (run === undefined) throw new PatchFailure(`Unexpected kind: ${kind}`);
    run(root, operation);
  }
  return root.document;
}

interface Root {
  document: unknown;
  copiedBytes: number;
}
type Container = JsonObject | unknown[];
interface Place {
  readonly container: Container;
  readonly key: string;
}

const missing = "missing value";
const operations: Readonly<Record<string, (root: Root, operation: JsonObject) => void>> = {
  add(root, operation) {
    const path = pathIn(operation, "path", "add operation failed to decode path");
    const place = placeOf(root, path);
    if (place === undefined)
      throw new PatchFailure(`add operation does not apply: doc is missing path: "${path}": ${missing}`);
    within(`error in add for path: '${path}'`, () => addAt(place, givenValue(operation)));
  },
  remove(root, operation) {
    const path = pathIn(operation, "path", "remove operation failed to decode path");
    const place = placeOf(root, path);
    if (place === undefined)
      throw new PatchFailure(`remove operation does not apply: doc is missing path: "${path}": ${missing}`);
    within(`error in remove for path: '${path}'`, () => removeAt(place));
  },
  replace(root, operation) {
    const path = pathIn(operation, "path", "replace operation failed to decode path");
    const value = givenValue(operation);
    if (path === "") {
      if (typeof value !== "object" || value === null)
        throw new PatchFailure("replace operation value must be object or array: %!w(<nil>)");
      root.document = value;
      return;
    }
    const place = placeOf(root, path);
    if (place === undefined)
      throw new PatchFailure(`replace operation does not apply: doc is missing path: ${path}: ${missing}`);
    within(`replace operation does not apply: doc is missing key: ${path}`, () => getAt(place), missing);
    const { container, key } = place;
    if (Array.isArray(container)) container[indexIn(key, container.length)] = value;
    else setOwnField(container, key, value);
  },
  move(root, operation) {
    const from = pathIn(operation, "from", "move operation failed to decode from");
    const source = placeOf(root, from);
    if (source === undefined)
      throw new PatchFailure(`move operation does not apply: doc is missing from path: ${from}: ${missing}`);
    const value = within(`error in move for path: '${source.key}'`, () => {
      const found = getAt(source);
      removeAt(source);
      return found;
    });
    const path = pathIn(operation, "path", "move operation failed to decode path");
    const place = placeOf(root, path);
    if (place === undefined)
      throw new PatchFailure(
        `move operation does not apply: doc is missing destination path: ${path}: ${missing}`,
      );
    within(`error in move for path: '${path}'`, () => addAt(place, value));
  },
  test(root, operation) {
    const path = pathIn(operation, "path", "test operation failed to decode path");
    const failed = new PatchFailure(`testing value ${path} failed: test failed`, true);
    const wanted = givenValue(operation);
    if (path === "") {
      if (!isDeepStrictEqual(root.document, wanted)) throw failed;
      return;
    }
    const place = placeOf(root, path);
    if (place === undefined)
      throw new PatchFailure(`test operation does not apply: is missing path: ${path}: ${missing}`);
    const found = within(`error in test for path: '${path}'`, () => getAt(place));
    if (!isDeepStrictEqual(found ?? null, wanted)) throw failed;
  },
  copy(root, operation) {
    const from = pathIn(operation, "from", "copy operation failed to decode from");
    const source = placeOf(root, from);
    if (source === undefined)
      throw new PatchFailure(`copy operation does not apply: doc is missing from path: ${from}: ${missing}`);
    const value = within(`error in copy for from: '${from}'`, () => getAt(source)) ?? null;
    const path = pathIn(operation, "path", "copy operation failed to decode path");
    const place = placeOf(root, path);
    if (place === undefined)
      throw new PatchFailure(
        `copy operation does not apply: doc is missing destination path: ${path}: ${missing}`,
      );
    const { copiedBytesMax } = jsonPatchLimits;
    root.copiedBytes += value === null ? 0 : Buffer.byteLength(exactJsonText(value));
    if (root.copiedBytes > copiedBytesMax)
      throw new PatchFailure(
        `Unable to complete the copy, the accumulated size increase of copy is ${root.copiedBytes}, exceeding the limit ${copiedBytesMax}`,
      );
    within("error while adding value during copy", () => addAt(place, cloneJson(value)));
  },
};

/** An operation that gives no value gives null. */
const givenValue = (operation: JsonObject): unknown => operation.value ?? null;

function pathIn(operation: JsonObject, field: "path" | "from", problem: string): string {
  const path = operation[field];
  if (typeof path === "string") return path;
  throw new PatchFailure(`${problem}: ${missing}`);
}

/** The map or list that a path ends in; undefined where it leads nowhere. */
function placeOf(root: Root, path: string): Place | undefined {
  const parts = path.split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const key = parts.pop();
  if (key === undefined || parts.length === 0) return undefined;
  let at: unknown = root.document;
  for (const part of parts.slice(1)) {
    if (Array.isArray(at)) {
      const index = wholeNumber(part);
      at = index === undefined ? undefined : at[index < 0 ? index + at.length : index];
    } else at = isObject(at) && Object.hasOwn(at, part) ? at[part] : undefined;
  }
  return Array.isArray(at) || isObject(at) ? { container: at, key } : undefined;
}

function getAt({ container, key }: Place): unknown {
  if (Array.isArray(container)) return container[indexIn(key, container.length)];
  return Object.hasOwn(container, key) ? container[key] : undefined;
}

function addAt({ container, key }: Place, value: unknown): void {
  if (!Array.isArray(container)) setOwnField(container, key, value);
  else if (key === "-") container.push(value);
  else {
    if (wholeNumber(key) === undefined)
      throw new PatchFailure(`value was not a proper array index: '${key}': ${notNumber(key)}`);
    container.splice(indexIn(key, container.length + 1), 0, value);
  }
}

function removeAt({ container, key }: Place): void {
  if (Array.isArray(container)) container.splice(indexIn(key, container.length), 1);
  else if (Object.hasOwn(container, key)) delete container[key];
  else throw new PatchFailure(`Unable to remove nonexistent key: ${key}: ${missing}`);
}

function indexIn(key: string, length: number): number {
  const index = wholeNumber(key);
  if (index === undefined) throw new PatchFailure(notNumber(key));
  if (index >= length || index < -length)
    throw new PatchFailure(`Unable to access invalid index: ${index}: invalid index referenced`);
  return index < 0 ? index + length : index;
}

const wholeNumber = (text: string) => (/^[+-]?\d+$/.test(text) ? Number(text) : undefined);
const notNumber = (text: string) => `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;

/** @param instead What is said in place of what went wrong. */
function within<T>(before: string, run: () => T, instead?: string): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof PatchFailure)) throw error;
    throw new PatchFailure(`${before}: ${instead ?? error.message}`);
  }
}
