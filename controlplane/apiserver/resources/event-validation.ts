import type { Event } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid, required } from "./field-errors.ts";
import { qualifiedName } from "./names.ts";

const noteMost = 1024;
const wordMost = 128;

/** An event; one with a time of its own is of the newer kind, which says more. */
export function validateEvent(event: Event): readonly FieldError[] {
  const { metadata, involvedObject, eventTime } = event;
  const { namespace = "" } = metadata;
  const about = involvedObject?.namespace ?? "";
  // What happens to objects outside namespaces is told in the default one.
  const outside = about === "" && (namespace === "default" || namespace === "kube-system");
  const fits = outside || (about === "" ? false : eventTime !== undefined || namespace === about);
  return [
    ...(fits ? [] : [invalid("involvedObject.namespace", about, "does not match event.namespace")]),
    ...(eventTime === undefined ? [] : validateNewer(event)),
  ];
}

function validateNewer(event: Event): readonly FieldError[] {
  const { reportingComponent: reporter = "", message = "" } = event;
  const longest = (name: string, value: string, most: number) =>
    value.length > most ? [invalid(name, "", `can have at most ${most} characters`)] : [];
  return [
    ...(reporter === "" ? [required("reportingComponent")] : []),
    ...qualifiedName(reporter).map((text) => invalid("reportingComponent", reporter, text)),
    ...(["reportingInstance", "action", "reason"] as const).flatMap((name) => [
      ...(event[name] ? [] : [required(name)]),
      ...longest(name, event[name] ?? "", wordMost),
    ]),
    ...longest("message", message, noteMost),
  ];
}
