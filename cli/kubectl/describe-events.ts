import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import type { Event, KubeObject } from "../../client/types.ts";
import { age } from "./age.ts";
import type { Line } from "./page.ts";

/** What happened to an object, oldest first. */
export async function eventLines(client: RestClient, object: KubeObject, nowMs: number): Promise<Line> {
  const { uid, namespace } = object.metadata;
  const { items } = await client.list(resources.events, {
    namespace,
    fieldSelector: `involvedObject.uid=${uid}`,
  });
  return { heading: "Events", table: eventTable(items, nowMs) };
}

export function eventTable(events: readonly Event[], nowMs: number): readonly (readonly string[])[] {
  const at = (event: Event) => event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp;
  const rows = [...events]
    .sort((a, b) => Date.parse(at(a)) - Date.parse(at(b)))
    .map((event) => [
      event.type ?? "",
      event.reason ?? "",
      when(event, at(event), nowMs),
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
