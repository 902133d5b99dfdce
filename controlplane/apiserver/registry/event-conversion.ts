import { type JsonObject, objectOf } from "../json.ts";

/** Events are stored in their core form; events.k8s.io/v1 names some fields anew.
 *  Source of the pairs: k8s.io/api events/v1 types.go. Pure. */
const pairs = [
  ["message", "note"],
  ["involvedObject", "regarding"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
  ["reportingComponent", "reportingController"],
] as const;

export function eventToNewGroup(event: Readonly<JsonObject>): JsonObject {
  return renamed(event, new Map(pairs));
}

export function eventFromNewGroup(event: Readonly<JsonObject>): JsonObject {
  return renamed(objectOf(event), new Map(pairs.map(([core, other]) => [other, core])));
}

function renamed(object: Readonly<JsonObject>, names: ReadonlyMap<string, string>): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [names.get(name) ?? name, value]));
}
