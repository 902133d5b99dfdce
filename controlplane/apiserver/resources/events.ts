import { pathSegment } from "../../../client/rules/names.ts";
import type { Event } from "../../../client/types.ts";
import { eventFromNewGroup, eventToNewGroup } from "../registry/event-conversion.ts";
import { age, column, wideColumn } from "./cell-text.ts";
import { validateEvent, validateNewEvent } from "./event-validation.ts";
import { kindOf } from "./typed-kind.ts";

export const events = kindOf<Event>({
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  singular: "event",
  shortNames: ["ev"],
  categories: [],
  namespaced: true,
  ttlSeconds: 3600,
  createsOnUpdate: true,
  subresources: {},
  otherForms: [
    {
      group: "events.k8s.io",
      version: "v1",
      toServed: eventToNewGroup,
      fromServed: eventFromNewGroup,
      rules: { validate: validateNewEvent },
    },
  ],
  nameRule: pathSegment,
  hasSpec: false,
  applyDefaults(event) {
    event.source ??= {};
  },
  metadataLast: true,
  validate: (event) => validateEvent(event),
  selectableFields: ({ involvedObject: about, reason, reportingComponent, source, type }) => ({
    "involvedObject.kind": about?.kind ?? "",
    "involvedObject.namespace": about?.namespace ?? "",
    "involvedObject.name": about?.name ?? "",
    "involvedObject.uid": about?.uid ?? "",
    "involvedObject.apiVersion": about?.apiVersion ?? "",
    "involvedObject.resourceVersion": about?.resourceVersion ?? "",
    "involvedObject.fieldPath": about?.fieldPath ?? "",
    reason: reason ?? "",
    reportingComponent: reportingComponent ?? "",
    source: source?.component || reportingComponent || "",
    type: type ?? "",
  }),
  columnsIncludeName: true,
  columns: [
    column("Last Seen"),
    column("Type"),
    column("Reason"),
    column("Object"),
    wideColumn("Subobject"),
    wideColumn("Source"),
    column("Message"),
    wideColumn("First Seen"),
    wideColumn("Count"),
    { ...wideColumn("Name"), format: "name" },
  ],
  cells(event, nowMs) {
    const { involvedObject: about, metadata } = event;
    const firstAt = event.firstTimestamp ?? event.eventTime;
    const lastAt = event.series?.lastObservedTime ?? event.lastTimestamp ?? firstAt;
    return [
      age(lastAt, nowMs),
      event.type ?? "",
      event.reason ?? "",
      about?.name ? `${(about.kind ?? "").toLowerCase()}/${about.name}` : (about?.kind ?? "").toLowerCase(),
      about?.fieldPath ?? "",
      sourceText(event),
      (event.message ?? "").trim(),
      age(firstAt, nowMs),
      event.series?.count ?? event.count ?? 1,
      metadata.name,
    ];
  },
});

function sourceText({ source, reportingComponent = "", reportingInstance = "" }: Event): string {
  const component = source?.component || reportingComponent;
  const host = source?.host || reportingInstance;
  return [component, host].filter((one) => one !== "").join(", ");
}
