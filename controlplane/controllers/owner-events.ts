import type { Informer } from "../../client/informer.ts";
import { keyOf, keyOfRef, type Stored } from "../../client/object-cache.ts";
import type { WorkQueue } from "../../client/work-queue.ts";
import { controllerOf, type Owned } from "./owners.ts";

export interface OwnerEvents<O extends Stored> {
  readonly owners: Informer<O>;
  /** The owner's kind as references name it, and its API group. */
  readonly kind: string;
  readonly group: string;
  /** Of owners in the child's namespace: would this one adopt the child? Absent: nobody's children are of no concern. */
  readonly wouldAdopt?: (owner: O, child: Stored) => boolean;
  /** Whether a child that comes is news to the owner that it names; it is, where absent. */
  readonly heedsNew?: boolean;
}

/** What happens to the children of one owner within this time is one event to it, so that an owner of thousands, which looks at all
 *  of them each time, does not do so for each. Those of fewer than a hundred do not wait. */
export function batchMs(children: number): number {
  return Math.min(batchMsMost, Math.floor(children / 100));
}

const batchMsMost = 100;

/** Puts an owner's key into the queue whenever a child of its changes, comes, goes, or changes hands. */
export function enqueueOwners<O extends Stored, C extends Stored>(
  queue: WorkQueue,
  children: Informer<C>,
  events: OwnerEvents<O>,
): void {
  const wake = (owner: string, child: C) =>
    queue.addAfter(owner, batchMs(children.countByOwner(controllerOf(child)?.uid ?? "")));
  const enqueue = (child: C) => {
    const owner = ownerKey(child, events);
    if (owner !== undefined) wake(owner, child);
    else if (controllerOf(child) === undefined) enqueueAdopters(queue, child, events);
  };
  children.subscribe({
    onAdd: (child) => {
      if (events.heedsNew !== false || controllerOf(child) === undefined) enqueue(child);
    },
    onUpdate: (next, previous) => {
      const before = ownerKey(previous, events);
      if (before !== undefined && controllerOf(next)?.uid !== controllerOf(previous)?.uid) queue.add(before);
      enqueue(next);
    },
    onDelete: (last) => {
      const owner = ownerKey(last, events);
      if (owner !== undefined) wake(owner, last);
    },
  });
}

function ownerKey<O extends Stored>(child: Owned, events: OwnerEvents<O>): string | undefined {
  const owner = controllerOf(child);
  if (owner === undefined || owner.kind !== events.kind) return undefined;
  const group = owner.apiVersion.includes("/") ? owner.apiVersion.split("/")[0] : "";
  if (group !== events.group) return undefined;
  return keyOfRef({ name: owner.name, namespace: child.metadata.namespace });
}

function enqueueAdopters<O extends Stored>(queue: WorkQueue, child: Stored, events: OwnerEvents<O>): void {
  const { wouldAdopt } = events;
  if (wouldAdopt === undefined || child.metadata.deletionTimestamp !== undefined) return;
  for (const owner of events.owners.byNamespace(child.metadata.namespace ?? ""))
    if (wouldAdopt(owner, child)) queue.add(keyOf(owner));
}

/** Puts every object's own key into the queue when it comes, changes or goes. */
export function enqueueSelf<T extends Stored>(queue: WorkQueue, informer: Informer<T>): void {
  const enqueue = (object: T) => queue.add(keyOf(object));
  informer.subscribe({ onAdd: enqueue, onUpdate: enqueue, onDelete: enqueue });
}
