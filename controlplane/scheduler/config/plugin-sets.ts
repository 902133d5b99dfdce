import { type ExtensionPoint, extensionPoints, type Plugin, takesPart } from "../cycle/plugin.ts";
import type { Points } from "../cycle/profile.ts";

export interface PluginRow {
  readonly name: string;
  /** 0 and nothing stand for 1. */
  readonly weight?: number;
}

/** What a profile says of an extension point, or of all (`multiPoint`). `*` disables all defaults. */
export interface PluginSet {
  readonly enabled?: readonly PluginRow[];
  readonly disabled?: readonly { readonly name: string }[];
}

export type PluginSets = Readonly<Partial<Record<ExtensionPoint | "multiPoint", PluginSet>>>;

const allOf = "*";

/** The plugins of `multiPoint`: the defaults without those disabled; what is enabled anew takes the default's place, others
 *  follow. Pure. */
export function multiPointOf(defaults: readonly PluginRow[], set: PluginSet = {}): readonly PluginRow[] {
  const off = new Set((set.disabled ?? []).map(({ name }) => name));
  const own = set.enabled ?? [];
  const kept = off.has(allOf) ? [] : defaults.filter(({ name }) => !off.has(name));
  const replaced = kept.map((row) => own.find(({ name }) => name === row.name) ?? row);
  return [...replaced, ...own.filter(({ name }) => !kept.some((row) => row.name === name))];
}

/** Which plugins take part where, and how much their scores weigh. Of each point first come those of `multiPoint` that are
 *  also enabled there, in that order, then the others of `multiPoint`, then the others of the point. Pure.
 *  @param plugin The plugin of a name, made once. */
export function compilePoints(
  sets: PluginSets,
  defaults: readonly PluginRow[],
  plugin: (name: string) => Plugin,
): { readonly points: Points; readonly weights: ReadonlyMap<string, number> } {
  const everywhere = multiPointOf(defaults, sets.multiPoint);
  const weights = new Map<string, number>();
  const points = {} as Record<ExtensionPoint, readonly Plugin[]>;
  for (const point of extensionPoints) {
    const own = sets[point]?.enabled ?? [];
    const off = new Set((sets[point]?.disabled ?? []).map(({ name }) => name));
    const from = off.has(allOf) ? [] : everywhere.filter(({ name }) => !off.has(name));
    const isOwn = ({ name }: PluginRow) => own.some((row) => row.name === name);
    const isFrom = ({ name }: PluginRow) => from.some((row) => row.name === name);
    const rows = [
      ...own.filter(isFrom),
      ...from.filter((row) => !isOwn(row) && takesPart(plugin(row.name), point)),
      ...own.filter((row) => !isFrom(row)),
    ];
    points[point] = rows.map(({ name }) => plugin(name));
    if (point === "score") for (const { name, weight } of rows) weights.set(name, weight || 1);
  }
  return { points, weights };
}
