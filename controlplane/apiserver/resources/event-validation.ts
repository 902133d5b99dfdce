import { dns1123Subdomain, qualifiedName } from "../../../client/rules/names.ts";
import type { Event, KubeObject } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { invalid, required } from "./field-errors.ts";
import { validateMeta } from "./meta.ts";

const noteMost = 1024;
const wordMost = 128;

/** An event as the core group takes it; one with a time of its own is of the newer kind, which says more.
 *  @param reporter What the field is called in which the event says who reports. */
export function validateEvent(
  event: Event,
  reporter: "reportingComponent" | "reportingController" = "reportingComponent",
): readonly FieldError[] {
  const { metadata, involvedObject, eventTime } = event;
  const { namespace = "" } = metadata;
  const about = involvedObject?.namespace ?? "";
  const isNewer = eventTime !== undefined;
  // What happens to objects outside namespaces is told in the default one.
  const outside = namespace === "default" || (isNewer && namespace === "kube-system");
  const fits = about === "" ? outside : isNewer || namespace === about;
  return [
    ...(fits ? [] : [invalid("involvedObject.namespace", about, "does not match event.namespace")]),
    ...(isNewer ? validateNewer(event, reporter) : []),
  ];
}

function validateNewer(event: Event, reporterField: string): readonly FieldError[] {
  const { reportingComponent: reporter = "", message = "" } = event;
  const longest = (name: string, value: string, most: number) =>
    Buffer.byteLength(value) > most ? [invalid(name, "", `can have at most ${most} characters`)] : [];
  return [
    ...(reporter === "" ? [required(reporterField)] : []),
    ...qualifiedName(reporter).map((text) => invalid(reporterField, reporter, text)),
    ...(["reportingInstance", "action", "reason"] as const).flatMap((name) => [
      ...(event[name] ? [] : [required(name)]),
      ...longest(name, event[name] ?? "", wordMost),
    ]),
    ...longest("message", message, noteMost),
  ];
}

/** An event as events.k8s.io/v1 takes it: told in full from the start, and nothing of it changes but its series. */
export function validateNewEvent(
  object: KubeObject,
  _facts?: unknown,
  current?: KubeObject,
): readonly FieldError[] {
  const event = object as unknown as Event;
  const before = current as unknown as Event | undefined;
  return [
    ...validateEvent(event, "reportingController"),
    // What is stored has a name that the group judged through which it came.
    ...(before === undefined
      ? validateMeta(event.metadata, { namespaced: true, nameRule: dns1123Subdomain })
      : []),
    ...(before === undefined || !sameValue(event.series, before.series) ? validateSeries(event) : []),
    ...(before === undefined ? validateBeginning(event) : validateUnchanged(event, before)),
  ];
}

function validateSeries({ series }: Event): readonly FieldError[] {
  if (series === undefined) return [];
  const { count = 0, lastObservedTime } = series;
  return [
    ...(count < 2 ? [invalid("series.count", "", "should be at least 2")] : []),
    ...(lastObservedTime === undefined ? [required("series.lastObservedTime")] : []),
  ];
}

function validateBeginning(event: Event): readonly FieldError[] {
  const { eventTime, type = "", firstTimestamp, lastTimestamp, count = 0, source } = event;
  const unset = (field: string, isSet: boolean) => (isSet ? [invalid(field, "", "needs to be unset")] : []);
  return [
    ...(eventTime === undefined ? [required("eventTime")] : []),
    ...(type === "Normal" || type === "Warning" ? [] : [invalid("type", "", `has invalid value: ${type}`)]),
    ...unset("firstTimestamp", firstTimestamp !== undefined),
    ...unset("lastTimestamp", lastTimestamp !== undefined),
    ...unset("count", count !== 0),
    ...unset("source", Boolean(source?.component || source?.host)),
  ];
}

function validateUnchanged(next: Event, current: Event): readonly FieldError[] {
  const before = shownParts(current);
  return shownParts(next).flatMap(([field, value], at) =>
    sameValue(value, before[at]?.[1]) ? [] : [invalid(field, value, "field is immutable")],
  );
}

/** What does not change, as Kubernetes shows it, in the order in which it looks: at the reason twice. */
function shownParts(event: Event): readonly (readonly [field: string, value: unknown])[] {
  const { source, reason = "", reportingComponent = "", related } = event;
  return [
    ["involvedObject", shownReference(event.involvedObject ?? {})],
    ["reason", reason],
    ["message", event.message ?? ""],
    ["source", { Component: source?.component ?? "", Host: source?.host ?? "" }],
    ["firstTimestamp", event.firstTimestamp ?? null],
    ["lastTimestamp", event.lastTimestamp ?? null],
    ["count", event.count ?? 0],
    ["reason", reason],
    ["type", event.type ?? ""],
    ["eventTime", event.eventTime ?? null],
    ["action", event.action ?? ""],
    ["related", related === undefined ? null : shownReference(related)],
    ["reportingController", reportingComponent],
    ["reportingInstance", event.reportingInstance ?? ""],
  ];
}

function shownReference(reference: NonNullable<Event["related"]>): unknown {
  const { kind = "", namespace = "", name = "", uid = "", apiVersion = "" } = reference;
  const { resourceVersion = "", fieldPath = "" } = reference;
  return {
    Kind: kind,
    Namespace: namespace,
    Name: name,
    UID: uid,
    APIVersion: apiVersion,
    ResourceVersion: resourceVersion,
    FieldPath: fieldPath,
  };
}
