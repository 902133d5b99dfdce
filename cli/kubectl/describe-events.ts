import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import type { Event, KubeObject } from "../../client/types.ts";
import { age } from "./age.ts";
import type { Line } from "./page.ts";

/** What happened to an object, oldest first. */
export async function eventsOf(
  client: RestClient,
  { metadata }: Pick<KubeObject, "metadata">,
): Promise<readonly Event[]> {
  const { uid, namespace } = metadata;
  const fieldSelector = `involvedObject.uid=${uid}`;
  const { items } = await client.list(resources.events, { namespace, fieldSelector });
  return inOrder(items);
}

/** The same as a part of a page. */
export async function eventLines(client: RestClient, object: KubeObject, nowMs: number): Promise<Line> {
  return { heading: "Events", table: eventTable(await eventsOf(client, object), nowMs) };
}

const timeOf = (event: Event): string =>
  event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp;

const inOrder = (events: readonly Event[]): readonly Event[] =>
  [...events].sort((a, b) => Date.parse(timeOf(a)) - Date.parse(timeOf(b)));

export function eventTable(events: readonly Event[], nowMs: number): readonly (readonly string[])[] {
  const rows = inOrder(events).map((event) => [
    event.type ?? "",
    event.reason ?? "",
    when(event, timeOf(event), nowMs),
    event.source?.component ?? event.reportingComponent ?? "",
    event.message ?? "",
  ]);
  return [["Type", "Reason", "Age", "From", "Message"], ...rows];
}

function when(event: Event, last: string, nowMs: number): string {
  const shown = age(last, nowMs);
  const count = event.count ?? 1;
  return count > 1 ? `${shown} (x${count} over ${age(event.firstTimestamp ?? last, nowMs)})` : shown;
}
