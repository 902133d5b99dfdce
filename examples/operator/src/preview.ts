import { type Condition, defineKind, type ObjectOf } from "pintle/client";

export interface PreviewSpec {
  ttl: string;
  users?: string[];
  secrets?: string[];
  quota: Record<string, string>;
}

export interface PreviewStatus {
  namespace?: string;
  expiresAt?: string;
  conditions?: Condition[];
}

export const PreviewEnvironment = defineKind<PreviewSpec, PreviewStatus>({
  group: "example.com",
  version: "v1",
  kind: "PreviewEnvironment",
  plural: "previewenvironments",
  namespaced: true,
});
export type PreviewEnvironment = ObjectOf<typeof PreviewEnvironment>;

const unitMs = { h: 3_600_000, m: 60_000, s: 1_000 };

/** When it is over. The schema has checked the ttl. */
export function expiryOf({ metadata, spec }: PreviewEnvironment): Date {
  let ttlMs = 0;
  for (const [, count, unit] of spec.ttl.matchAll(/([0-9]+)([hms])/g))
    ttlMs += Number(count) * unitMs[unit as keyof typeof unitMs];
  return new Date(Date.parse(metadata.creationTimestamp) + ttlMs);
}
