import type { ExtensionPoint, Plugin } from "./plugin.ts";

export type Points = Readonly<Record<ExtensionPoint, readonly Plugin[]>>;

/** The plugins that place the pods of one `schedulerName`, by extension point and in the order in which they are asked. */
export interface Profile {
  readonly schedulerName: string;
  /** The share of nodes after which the search for feasible ones may end, in percent; 0 lets the size decide. */
  readonly percentageOfNodesToScore: number;
  readonly points: Points;
  /** Those with a word in filtering: before (`chooses`) or while nodes are judged. */
  readonly filtering: readonly {
    readonly plugin: Plugin;
    readonly chooses: boolean;
    readonly judges: boolean;
  }[];
  /** Factors of the scores, by plugin. */
  readonly weights: ReadonlyMap<string, number>;
}

export function makeProfile(given: Omit<Profile, "filtering">): Profile {
  const { preFilter, filter } = given.points;
  const filtering = [...new Set([...filter, ...preFilter])].map((plugin) => ({
    plugin,
    chooses: preFilter.includes(plugin),
    judges: filter.includes(plugin),
  }));
  return { ...given, filtering };
}

/** Every plugin of the profile, once. */
export function pluginsOf({ points }: Profile): readonly Plugin[] {
  return [...new Set(Object.values(points).flat())];
}
