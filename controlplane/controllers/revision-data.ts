import type { ControllerRevision, PodTemplateSpec } from "../../client/types.ts";
import { controllerOf, type Owned } from "./owners.ts";
import { canonicalJson } from "./template-hash.ts";

/** A patch that brings a workload back to this template, as `kubectl rollout undo` applies it. Written as Go writes
 *  maps, fields by name: clients compare it byte for byte. */
export function revisionData(template: PodTemplateSpec): object {
  return { spec: { template: byName({ ...template, $patch: "replace" }) } };
}

function byName(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(byName);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([name, field]) => [name, byName(field)]));
}

/** The template that a revision keeps. */
export function revisionTemplate({ data }: ControllerRevision): PodTemplateSpec {
  const { spec } = (data ?? {}) as { readonly spec?: { readonly template?: PodTemplateSpec } };
  const { $patch: _, ...template } = (spec?.template ?? {}) as PodTemplateSpec & { $patch?: string };
  return template;
}

/** Whether the revision keeps this template for that owner: it is the owner's, or nobody's, whose set was made anew. */
export function keepsFor(revision: ControllerRevision, owner: Owned, data: unknown): boolean {
  const holder = controllerOf(revision)?.uid ?? owner.metadata.uid;
  return holder === owner.metadata.uid && canonicalJson(revision.data) === canonicalJson(data);
}
