import type { Kind } from "../client/kube/define-kind.ts";
import { keyOf, type Stored } from "../client/object-cache.ts";
import type { KubeObject } from "../client/types.ts";
import type { EventRecord } from "./events.ts";

const objectsMost = 5;
const eventsMost = 10;
const charsMost = 300;

/** For whoever waited in vain: which objects of the kind there are, and their status. */
export function thereAre<T extends Stored>(kind: Kind<T>, objects: readonly T[]): readonly string[] {
  if (objects.length === 0) return [`  there is no ${kind.kind}`];
  const told = objects.slice(0, objectsMost).map((object) => {
    const { status, metadata } = object as Stored & { readonly status?: unknown };
    const end = metadata.deletionTimestamp === undefined ? "" : ", being deleted";
    const state = status === undefined ? "" : `: ${shortened(JSON.stringify(status))}`;
    return `  ${kind.kind} ${keyOf(object)}${state}${end}`;
  });
  const more = objects.length - objectsMost;
  return more > 0 ? [...told, `  and ${more} more`] : told;
}

/** Events about an object, and warnings about others of its namespace: a Deployment's pods say why it does not get ready. */
export function eventsAround(events: EventRecord, object: KubeObject): readonly string[] {
  const { uid, namespace } = object.metadata;
  const lines = events.list().flatMap(({ type, reason, message, involvedObject: about }) => {
    if (about.uid === uid) return `  ${type} ${reason}: ${message}`;
    const isNear = type === "Warning" && about.namespace === namespace;
    return isNear ? `  ${type} ${reason} of ${about.kind} ${about.name}: ${message}` : [];
  });
  return [...new Set(lines)].slice(-eventsMost);
}

const shortened = (text: string): string => (text.length > charsMost ? `${text.slice(0, charsMost)}…` : text);
