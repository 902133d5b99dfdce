import type { Meta, Resource } from "../types.ts";

/** A kind of object: where it lives in the API, and which type its objects have. Plain data. */
export type Kind<T> = Resource<T>;

/** The type of a kind's objects: `type Backup = ObjectOf<typeof Backup>`. */
export type ObjectOf<K> = K extends Resource<infer T> ? T : never;

/** An object of a kind of one's own, as the server answers it. */
export interface CustomObject<Spec, Status = unknown> {
  apiVersion: string;
  kind: string;
  metadata: Meta;
  spec: Spec;
  status?: Status;
}

export interface KindDefinition {
  /** `example.com`; empty for the core group. */
  readonly group: string;
  /** `v1`, `v1alpha1`. */
  readonly version: string;
  /** `Backup`. */
  readonly kind: string;
  /** As in the path: `backups`. */
  readonly plural: string;
  readonly namespaced: boolean;
}

const groupForm = /^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelForm = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const kindForm = /^[A-Za-z][A-Za-z0-9]*$/;

/** A kind of one's own, or another version of a built-in one. Throws `TypeError` naming every field that cannot be part of a
 *  path. */
export function defineKind<Spec, Status = unknown>(
  definition: KindDefinition,
): Kind<CustomObject<Spec, Status>> {
  const problems = kindProblems(definition);
  if (problems.length > 0) throw new TypeError(problems.join("; "));
  const { group, version, kind, plural, namespaced } = definition;
  return Object.freeze({ group, version, kind, plural, namespaced });
}

/** Which fields do not name a kind, worded for a person. What a server says of itself is held to the same. */
export function kindProblems({
  group,
  version,
  kind,
  plural,
  namespaced,
}: KindDefinition): readonly string[] {
  const problems: string[] = [];
  const check = (holds: boolean, field: string, value: unknown, wanted: string) => {
    if (!holds) problems.push(`${field} ${JSON.stringify(value)}: ${wanted}`);
  };
  check(
    groupForm.test(group) && group.length <= 253,
    "group",
    group,
    "a DNS name, or empty for the core group",
  );
  check(labelForm.test(version) && version.length <= 63, "version", version, "such as v1 or v1alpha1");
  check(kindForm.test(kind) && kind.length <= 63, "kind", kind, "a word in camel case such as Backup");
  check(labelForm.test(plural) && plural.length <= 63, "plural", plural, "in lower case, as in the path");
  check(typeof namespaced === "boolean", "namespaced", namespaced, "true or false");
  return problems;
}

type Row = <T>(group: string, version: string, kind: string, plural: string) => Kind<T>;
/** Rows of the table of built-in kinds. */
export const namespacedKind: Row = (group, version, kind, plural) =>
  Object.freeze({ group, version, kind, plural, namespaced: true });
export const clusterKind: Row = (group, version, kind, plural) =>
  Object.freeze({ group, version, kind, plural, namespaced: false });
