/** What the status subresource means for the main one: a client's status is dropped on create, kept on update. */
interface WithStatus {
  status?: unknown;
}

export function clearStatus(object: WithStatus): void {
  object.status = {};
}

export function keepStatus(next: WithStatus, current: WithStatus): void {
  if (current.status === undefined) delete next.status;
  else next.status = current.status;
}

/** Metadata that whoever reports on an object of a newer kind cannot change. */
export const wholeMetadata = ["labels", "annotations", "finalizers", "ownerReferences"] as const;
