import { matchesLabels, type Selector } from "../base/label-selector.ts";
import type { LogRecord, Source, Stream } from "./record.ts";

/** Which logs are meant; what is absent does not matter. */
export interface Selection {
  readonly source?: Source;
  readonly namespaces?: ReadonlySet<string>;
  readonly exceptNamespaces?: ReadonlySet<string>;
  /** Of pods: what is of none is not meant. */
  readonly labels?: Selector;
}

/** Whether lines of a stream may be meant: where each line has a namespace of its own, that is for `isSelected` to say. */
export function mayBeSelected(stream: Stream, selections: readonly Selection[]): boolean {
  const hasOwn = stream.source === "events" || stream.source === "audit";
  return selections.some(
    (one) => isOfSource(stream, one) && (hasOwn || isOfNamespace(stream.namespace, one)),
  );
}

export function isSelected({ stream, namespace }: LogRecord, selections: readonly Selection[]): boolean {
  return selections.some(
    (one) => isOfSource(stream, one) && isOfNamespace(namespace ?? stream.namespace, one),
  );
}

function isOfSource({ source, pod }: Stream, { source: wanted, labels }: Selection): boolean {
  if (wanted !== undefined && wanted !== source) return false;
  return labels === undefined || (pod !== undefined && matchesLabels(labels, pod.labels));
}

function isOfNamespace(namespace: string | undefined, { namespaces, exceptNamespaces }: Selection): boolean {
  if (namespaces !== undefined && (namespace === undefined || !namespaces.has(namespace))) return false;
  return namespace === undefined || exceptNamespaces?.has(namespace) !== true;
}
