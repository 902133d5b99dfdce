import { selectorFromLabelSelector, selectorText } from "../../../base/label-selector.ts";
import type { LabelSelector, PodSpec } from "../../../client/types.ts";
import type { Column } from "../registry/kind.ts";

/** A column that is always shown. Without a description it has Kubernetes' own (column-descriptions.ts). */
export function column(name: string, type: Column["type"] = "string", description = ""): Column {
  return { name, type, description, priority: 0 };
}

/** A column of `-o wide`. */
export function wideColumn(name: string, type: Column["type"] = "string", description = ""): Column {
  return { name, type, description, priority: 1 };
}

export const ageColumn = column("Age");

/** Time since `timestamp` as kubectl writes it. */
export function age(timestamp: string | undefined, nowMs: number): string {
  const thenMs = timestamp === undefined ? Number.NaN : Date.parse(timestamp);
  return Number.isNaN(thenMs) ? "<unknown>" : durationText(nowMs - thenMs);
}

const units = { minute: 60, hour: 3600, day: 86_400, year: 365 * 86_400 };

/** A span in kubectl's short form: `45s`, `3m12s`, `5h`, `2d3h`, `400d`. */
export function durationText(spanMs: number): string {
  const seconds = Math.trunc(spanMs / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 2 * units.minute) return `${seconds}s`;
  if (seconds < 10 * units.minute) return twoUnits(seconds, [units.minute, "m"], [1, "s"]);
  if (seconds < 3 * units.hour) return `${Math.trunc(seconds / units.minute)}m`;
  if (seconds < 8 * units.hour) return twoUnits(seconds, [units.hour, "h"], [units.minute, "m"]);
  if (seconds < 2 * units.day) return `${Math.trunc(seconds / units.hour)}h`;
  if (seconds < 8 * units.day) return twoUnits(seconds, [units.day, "d"], [units.hour, "h"]);
  if (seconds < 2 * units.year) return `${Math.trunc(seconds / units.day)}d`;
  if (seconds < 8 * units.year) return twoUnits(seconds, [units.year, "y"], [units.day, "d"]);
  return `${Math.trunc(seconds / units.year)}y`;
}

type Unit = readonly [seconds: number, text: string];

function twoUnits(seconds: number, [large, largeText]: Unit, [small, smallText]: Unit): string {
  const rest = Math.trunc((seconds % large) / small);
  const whole = `${Math.trunc(seconds / large)}${largeText}`;
  return rest === 0 ? whole : `${whole}${rest}${smallText}`;
}

/** A list cut short as `a,b + 2 more...`. */
export function listText(all: readonly string[], shownMax = 3): string {
  if (all.length === 0) return "<none>";
  const rest = all.length - shownMax;
  return rest > 0 ? `${all.slice(0, shownMax).join(",")} + ${rest} more...` : all.join(",");
}

export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.length === 0 ? "<none>" : pairs.map(([key, value]) => `${key}=${value}`).join(",");
}

export function labelSelectorText(selector: LabelSelector | undefined): string {
  const text = selectorText(selectorFromLabelSelector(selector));
  return text === "" ? "<none>" : text;
}

export const podTemplateColumns = [wideColumn("Containers"), wideColumn("Images"), wideColumn("Selector")];

/** The cells of `podTemplateColumns` before the selector. */
export function containersAndImages(spec: PodSpec | undefined): readonly [string, string] {
  const containers = spec?.containers ?? [];
  return [containers.map(({ name }) => name).join(","), containers.map(({ image = "" }) => image).join(",")];
}
