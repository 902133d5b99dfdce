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
