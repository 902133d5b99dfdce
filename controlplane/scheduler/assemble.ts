import { type ProfileSpec, profileFrom } from "./config/make-profiles.ts";
import { ConfigurationError } from "./config/problems.ts";
import { type ClusterEvent, helps } from "./cycle/cluster-event.ts";
import type { Handle, PluginFactory } from "./cycle/handle.ts";
import type { Plugin } from "./cycle/plugin.ts";
import type { PodInfo } from "./cycle/pod-info.ts";
import { type Profile, pluginsOf } from "./cycle/profile.ts";
import { extenderName } from "./extenders/extenders.ts";
import type { QueueRules } from "./queue.ts";

/** Makes the profiles of one scheduler, and what they say of its queue. Throws ConfigurationError. */
export function assembleProfiles(
  config: {
    readonly profiles: readonly ProfileSpec[];
    readonly ownPlugins?: ReadonlyMap<string, PluginFactory>;
  },
  handle: Handle,
): { readonly profiles: ReadonlyMap<string, Profile>; readonly rules: QueueRules } {
  const profiles = new Map(
    config.profiles.map((spec) => [spec.schedulerName, profileFrom(spec, handle, config.ownPlugins)]),
  );
  const sorts = [...profiles.values()].map(({ points }) => points.queueSort[0]);
  const sort = sorts[0]?.queueSort;
  if (sort === undefined || sorts.some((other) => other?.name !== sorts[0]?.name))
    throw new ConfigurationError("profiles: all must have the same queue sort plugin");
  const byName = new Map(
    [...profiles].map(([name, profile]) => [
      name,
      new Map(pluginsOf(profile).map((plugin): [string, Plugin] => [plugin.name, plugin])),
    ]),
  );
  return {
    profiles,
    rules: {
      order: sort,
      gate: (info: PodInfo) =>
        profiles
          .get(info.schedulerName)
          ?.points.preEnqueue.find(({ preEnqueue }) => preEnqueue?.(info) !== undefined)?.name,
      helps: (plugin: string, info: PodInfo, event: ClusterEvent) =>
        plugin === extenderName || helps(byName.get(info.schedulerName)?.get(plugin)?.helpedBy, info, event),
    },
  };
}
