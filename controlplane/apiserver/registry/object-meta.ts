import { cloneJson } from "../../../base/clone-json.ts";
import type { Random } from "../../../base/os/random.ts";
import { below } from "../../../base/os/random.ts";
import type { KubeObject } from "../../../client/types.ts";
import { everyField } from "../schema/same-value.ts";
import type { FieldError } from "./kind.ts";

/** What the server itself writes into metadata. Pure but for the chance and time handed in. */

/** RFC 3339 in whole seconds, as Kubernetes' metav1.Time. */
export function rfc3339(wallMs: number): string {
  const second = Math.floor(wallMs / 1000);
  if (last?.second !== second)
    last = { second, text: `${new Date(second * 1000).toISOString().slice(0, 19)}Z` };
  return last.text;
}

/** Many things happen in one second. */
let last: { readonly second: number; readonly text: string } | undefined;

/** A version 4 UUID. */
export function newUid(random: Random): string {
  const [time, version] = [random.uint32(), (random.uint32() & 0xffff0fff) | 0x4000];
  const [variant, node] = [(random.uint32() & 0x3fffffff) | 0x80000000, random.uint32()];
  return `${hex32(time)}-${hex16(version >>> 16)}-${hex16(version)}-${hex16(variant >>> 16)}-${hex16(variant)}${hex32(node)}`;
}

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const hex16 = (word: number) => `${hexOfByte[(word >>> 8) & 0xff]}${hexOfByte[word & 0xff]}`;
const hex32 = (word: number) => hex16(word >>> 16) + hex16(word);

const suffixLetters = "bcdfghjklmnpqrstvwxz2456789";
const generatedBaseMax = 58;

/** `generateName` with five random letters that spell no words. */
export function generatedName(base: string, random: Random): string {
  const suffix = Array.from({ length: 5 }, () => suffixLetters[below(random, suffixLetters.length)]).join("");
  return base.slice(0, generatedBaseMax) + suffix;
}

/** Takes from a new object what tells of its deletion. Mutates. */
export function dropDeletion({ metadata }: KubeObject): void {
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
}

/** Sets what only the server decides on a new object; mutates. */
export function fillNewMeta(
  object: KubeObject,
  options: { random: Random; nowMs: number; hasGeneration: boolean },
): void {
  const { metadata } = object;
  metadata.uid = newUid(options.random);
  metadata.creationTimestamp = rfc3339(options.nowMs);
  metadata.resourceVersion = "";
  delete metadata.selfLink;
  if (options.hasGeneration) metadata.generation = 1;
}

/** Puts back what an update may not touch, and fills in what it leaves out; what it says otherwise of a uid or of a deletion
 *  stays, for `fixedMetaProblems` to tell and for the kind's rules to see. Mutates `next`. */
export function keepServerMeta(next: KubeObject, current: KubeObject): void {
  const { metadata } = next;
  const from = current.metadata;
  metadata.name = from.name;
  metadata.resourceVersion = from.resourceVersion;
  if (from.namespace === undefined) delete metadata.namespace;
  else metadata.namespace = from.namespace;
  if (from.generation === undefined) delete metadata.generation;
  else metadata.generation = from.generation;
  delete metadata.selfLink;
  fillInMeta(next, current);
}

/** Takes from `current` what an update leaves out, and what nobody can change. Mutates `next`. */
export function fillInMeta({ metadata }: KubeObject, { metadata: from }: KubeObject): void {
  if (!metadata.uid) metadata.uid = from.uid;
  metadata.creationTimestamp = from.creationTimestamp;
  if (from.deletionTimestamp !== undefined) metadata.deletionTimestamp = from.deletionTimestamp;
  if (from.deletionGracePeriodSeconds !== undefined)
    metadata.deletionGracePeriodSeconds ??= from.deletionGracePeriodSeconds;
}

const fixedFields = ["name", "namespace", "uid", "deletionTimestamp", "deletionGracePeriodSeconds"] as const;

/** What an update, or whoever admits it, says otherwise of what an object is known by, and of its deletion. Pure. */
export function fixedMetaProblems(next: KubeObject, current: KubeObject): readonly FieldError[] {
  const [to, from] = [next.metadata, current.metadata];
  return fixedFields
    .filter((field) => to[field] !== from[field])
    .map((field) => ({
      reason: "FieldValueInvalid",
      field: `metadata.${field}`,
      message: `Invalid value: ${JSON.stringify(to[field] ?? "")}: field is immutable`,
    }));
}

/** Finalizers can only shrink once an object is being deleted. */
export function finalizerProblems(next: KubeObject, current: KubeObject): readonly FieldError[] {
  if (current.metadata.deletionTimestamp === undefined) return [];
  const before = new Set(current.metadata.finalizers ?? []);
  const added = (next.metadata.finalizers ?? []).filter((one) => !before.has(one));
  if (added.length === 0) return [];
  const list = added.map((one) => JSON.stringify(one)).join(", ");
  return [
    {
      reason: "FieldValueForbidden",
      field: "metadata.finalizers",
      message: `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
    },
  ];
}

/** Sets the fields of `next` to what they are in `current`: where they differ, to copies. */
export function keepFields(next: object, current: object, fields: readonly string[]): void {
  for (const field of fields) {
    const value: unknown = Reflect.get(current, field);
    if (value === undefined) Reflect.deleteProperty(next, field);
    else if (!sameJson(Reflect.get(next, field), value)) Object.assign(next, { [field]: cloneJson(value) });
  }
}

/** JSON equality of two values that came from JSON; order of fields does not count, absent and undefined are one. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, at) => sameJson(item, b[at]));
  }
  return everyField(a, b, sameJson);
}
