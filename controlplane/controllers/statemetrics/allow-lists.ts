import { ownField } from "../../../base/own-field.ts";
import type { Labels } from "./series.ts";

/** Which labels or annotations of which kinds become labels of series: kube-state-metrics' `--metric-labels-allowlist` and
 *  `--metric-annotations-allowlist`. Pure. */

/** Names by the plural of their kind; `*` stands for any text. */
export type AllowList = ReadonlyMap<string, readonly string[]>;

export interface AllowLists {
  readonly labels: AllowList;
  readonly annotations: AllowList;
}

export const nothingAllowed: AllowLists = { labels: new Map(), annotations: new Map() };

/** Bounds how long a list may be made to take. */
const namesMax = 64;

/** `pods=[app,team-*],nodes=[*]`. Throws RangeError with what is wrong. */
export function readAllowList(text: string, kinds: ReadonlySet<string>): AllowList {
  const list = new Map<string, readonly string[]>();
  let rest = text.trim();
  while (rest !== "") {
    const match = /^([a-z*]+)=\[([^[\]=]*)\](?:,|$)/.exec(rest);
    if (match === null) throw new RangeError(`"${rest}" is not KIND=[NAME,NAME…]`);
    const [whole, kind = "", inside = ""] = match;
    if (kind !== "*" && !kinds.has(kind)) throw new RangeError(`there are no series of "${kind}"`);
    if (list.has(kind)) throw new RangeError(`"${kind}" stands there twice`);
    const names = inside
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "");
    if (names.length > namesMax) throw new RangeError(`more than ${namesMax} names of "${kind}"`);
    const manifold = names.find((name) => name.split("*").length > 2);
    if (manifold !== undefined) throw new RangeError(`"${manifold}" has more than one *`);
    list.set(kind, names);
    rest = rest.slice(whole.length).trim();
  }
  return list;
}

/** Names for this kind; those of all kinds where it has none of its own. */
export function allowedNames(list: AllowList, plural: string): readonly string[] {
  return list.get(plural) ?? list.get("*") ?? [];
}

/** What of an object's labels or annotations is allowed, under the names that series give them. */
export function allowedLabels(
  prefix: "label" | "annotation",
  values: Labels | undefined,
  names: readonly string[],
): Labels {
  const all = values ?? {};
  if (names[0] === "*") return prometheusLabels(prefix, all);
  const chosen: [string, string][] = [];
  for (const name of names) {
    const star = name.indexOf("*");
    if (star < 0) {
      const value = ownField(all, name);
      if (value !== undefined) chosen.push([name, value]);
    } else if (name !== "*")
      for (const [key, value] of Object.entries(all)) if (fits(name, star, key)) chosen.push([key, value]);
  }
  return prometheusLabels(prefix, Object.fromEntries(chosen));
}

function fits(pattern: string, star: number, name: string): boolean {
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return name.length >= pattern.length - 1 && name.startsWith(before) && name.endsWith(after);
}

/** `app.kubernetes.io/Name` as `label_app_kubernetes_io_name`; names that come out the same are numbered. */
export function prometheusLabels(prefix: string, values: Labels): Labels {
  const names = new Map<string, string>();
  const conflicts = new Map<string, number>();
  const free = (base: string) => {
    let count = conflicts.get(base) ?? 0;
    do count++;
    while (names.has(`${base}_conflict${count}`));
    conflicts.set(base, count);
    return `${base}_conflict${count}`;
  };
  const order: string[] = [];
  for (const key of Object.keys(values).sort(byCodeUnits)) {
    const base = `${prefix}_${sanitized(key)
      .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
      .toLowerCase()}`;
    const value = values[key] ?? "";
    if (!conflicts.has(base) && !names.has(base)) {
      names.set(base, value);
      order.push(base);
      continue;
    }
    const before = names.get(base);
    if (before !== undefined) {
      const renamed = free(base);
      names.delete(base);
      names.set(renamed, before);
      order[order.indexOf(base)] = renamed;
    }
    const own = free(base);
    names.set(own, value);
    order.push(own);
  }
  return Object.fromEntries(order.map((name) => [name, names.get(name) ?? ""]));
}

const byCodeUnits = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Of what no label's name may have there is an underline. */
export const sanitized = (name: string): string => name.replace(/[^a-zA-Z0-9_]/g, "_");
