import type { Handle, PluginFactory } from "../cycle/handle.ts";
import { extensionPoints, type Plugin, takesPart } from "../cycle/plugin.ts";
import { makeProfile, type Profile } from "../cycle/profile.ts";
import { defaultPlugins, pluginFactories } from "../plugins/table.ts";
import { pluginArgs } from "./plugin-args.ts";
import { compilePoints, type PluginSets } from "./plugin-sets.ts";
import { ConfigurationError } from "./problems.ts";

/** A profile as the configuration file has it, checked. */
export interface ProfileSpec {
  readonly schedulerName: string;
  readonly percentageOfNodesToScore: number;
  readonly plugins: PluginSets;
  /** What the file says for plugins, by name. */
  readonly pluginConfig: ReadonlyMap<string, unknown>;
}

export const defaultProfile = (schedulerName: string, percentageOfNodesToScore = 0): ProfileSpec => ({
  schedulerName,
  percentageOfNodesToScore,
  plugins: {},
  pluginConfig: new Map(),
});

/** Makes a profile's plugins, each once, and puts them where they take part. Throws ConfigurationError where a name is
 *  nobody's or a plugin is enabled where it has nothing to do.
 *  @param own Plugins of users, by name. */
export function profileFrom(
  spec: ProfileSpec,
  handle: Handle,
  own: ReadonlyMap<string, PluginFactory> = new Map(),
): Profile {
  const made = new Map<string, Plugin>();
  const factoryOf = (name: string): PluginFactory => {
    const factory =
      own.get(name) ?? (Object.hasOwn(pluginFactories, name) ? pluginFactories[name] : undefined);
    if (factory !== undefined) return factory;
    throw new ConfigurationError(
      `profile ${JSON.stringify(spec.schedulerName)}: plugin ${JSON.stringify(name)} does not exist`,
    );
  };
  const plugin = (name: string): Plugin => {
    const known = made.get(name);
    if (known !== undefined) return known;
    const { args } = pluginArgs(name, spec.pluginConfig.get(name), "");
    const fresh = factoryOf(name)(args, handle);
    made.set(name, fresh);
    return fresh;
  };
  for (const name of spec.pluginConfig.keys()) factoryOf(name);
  const problems = misplaced(spec, plugin);
  if (problems.length > 0) throw new ConfigurationError(problems.join("\n"));
  const { points, weights } = compilePoints(spec.plugins, defaultPlugins, plugin);
  const { schedulerName, percentageOfNodesToScore } = spec;
  const quoted = JSON.stringify(schedulerName);
  const sorts = points.queueSort.length;
  if (sorts !== 1)
    throw new ConfigurationError(
      `only one queue sort plugin required for profile with scheduler name ${quoted}, but got ${sorts}`,
    );
  if (points.bind.length === 0)
    throw new ConfigurationError(
      `at least one bind plugin is needed for profile with scheduler name ${quoted}`,
    );
  return makeProfile({ schedulerName, percentageOfNodesToScore, points, weights });
}

function misplaced({ plugins }: ProfileSpec, plugin: (name: string) => Plugin): readonly string[] {
  return extensionPoints.flatMap((point) =>
    (plugins[point]?.enabled ?? []).flatMap(({ name }) =>
      takesPart(plugin(name), point)
        ? []
        : [`plugin ${JSON.stringify(name)} does not extend ${point} plugin`],
    ),
  );
}
