import type { APIService, APIServiceCondition } from "../../../client/types.ts";

/** Whether what an APIService speaks of can be reached, as its condition says it. Pure. */

export type Availability = Omit<APIServiceCondition, "lastTransitionTime">;

/** What this server serves itself. */
export const localCondition: Availability = {
  type: "Available",
  status: "True",
  reason: "Local",
  message: "Local APIServices are always available",
};

export function availabilityOf({ status }: APIService): APIServiceCondition | undefined {
  return status?.conditions?.find(({ type }) => type === "Available");
}

/** Puts the condition into the object, at the place of its predecessor; the time stays where its status does. Mutates.
 *  False: it says the same already. */
export function setAvailability(service: APIService, next: Availability, now: string): boolean {
  const before = availabilityOf(service);
  if (before?.status === next.status && before.reason === next.reason && before.message === next.message)
    return false;
  const kept = before?.status === next.status ? before.lastTransitionTime : undefined;
  const condition = { ...next, lastTransitionTime: kept ?? now };
  const others = service.status?.conditions ?? [];
  const conditions =
    before === undefined ? [...others, condition] : others.map((one) => (one === before ? condition : one));
  service.status = { ...service.status, conditions };
  return true;
}
