import type { StoredEntry } from "../../registry/storage.ts";
import { encodeStored, objectKey } from "../../registry/stored-object.ts";
import { pods } from "../../resources/pods.ts";

/** What tests of the caches tell pods apart by. */
export interface PodSaid {
  readonly name: string;
  readonly namespace: string;
  readonly node?: string | undefined;
  readonly app?: string | undefined;
}

/** The pod as a store holds it. */
export function podEntry({ name, namespace, node, app }: PodSaid, modRevision: number): StoredEntry {
  const value = encodeStored({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      uid: "u",
      resourceVersion: "",
      creationTimestamp: "2026-01-01T00:00:00Z",
      ...(app !== undefined && { labels: { app } }),
    },
    spec: { containers: [], ...(node !== undefined && { nodeName: node }) },
  });
  return { key: objectKey(pods, namespace, name), value, modRevision };
}
