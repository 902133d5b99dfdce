import { type ExtensionPoint, extensionPoints } from "../cycle/plugin.ts";
import type { NodeResourcesFitArgs } from "../plugins/resources-fit.ts";
import type { ProfileSpec } from "./make-profiles.ts";
import { pluginArgs } from "./plugin-args.ts";
import type { PluginSets } from "./plugin-sets.ts";
import { duplicate, invalid, required } from "./problems.ts";

/** A profile as it was written. */
export interface ProfileFile {
  readonly schedulerName?: string;
  readonly percentageOfNodesToScore?: number;
  readonly plugins?: PluginSets;
  readonly pluginConfig?: readonly { readonly name?: string; readonly args?: unknown }[];
}

/** Plugins that Kubernetes had once. */
const removed = ["AzureDiskLimits", "CinderLimits", "EBSLimits", "GCEPDLimits"];
const apiVersion = "kubescheduler.config.k8s.io/v1";
const removedText = `was invalid in version "${apiVersion}" (KubeSchedulerConfiguration is version "${apiVersion}")`;

/** What is wrong with the profiles of a configuration. Pure. */
export function profilesProblems(profiles: readonly ProfileFile[]): readonly string[] {
  return [
    ...profiles.flatMap((profile, index) => [
      ...profileProblems(profile, `profiles[${index}]`),
      ...profiles
        .slice(0, index)
        .flatMap((other, before) =>
          other.schedulerName === profile.schedulerName
            ? [duplicate(`profiles[${index}].schedulerName`, `profiles[${before}].schedulerName`)]
            : [],
        ),
    ]),
    ...queueSortProblems(profiles),
  ];
}

function profileProblems(profile: ProfileFile, path: string): readonly string[] {
  const { schedulerName = "", percentageOfNodesToScore: percentage = 0, plugins = {} } = profile;
  return [
    ...(schedulerName === "" ? [required(`${path}.schedulerName`)] : []),
    ...(percentage < 0 || percentage > 100
      ? [invalid(`${path}.percentageOfNodesToScore`, percentage, "not in valid range [0-100]")]
      : []),
    ...extensionPoints.flatMap((point: ExtensionPoint) =>
      (plugins[point]?.enabled ?? []).flatMap(({ name }, at) =>
        removed.includes(name) ? [invalid(`${path}.plugins.${point}.enabled[${at}]`, name, removedText)] : [],
      ),
    ),
    ...argsProblems(profile.pluginConfig ?? [], path),
  ];
}

function argsProblems(given: NonNullable<ProfileFile["pluginConfig"]>, path: string): readonly string[] {
  return given.flatMap(({ name = "", args }, index) => {
    const at = `${path}.pluginConfig[${index}]`;
    if (name === "") return [required(`${at}.name`)];
    const repeats = given.findIndex((other) => other.name === name) < index;
    return [
      ...(repeats ? [duplicate(at, name)] : []),
      ...(removed.includes(name) ? [invalid(at, name, removedText)] : []),
      ...pluginArgs(name, args, `${at}.args`).problems,
    ];
  });
}

/** There is one queue: all profiles must order it alike. */
function queueSortProblems(profiles: readonly ProfileFile[]): readonly string[] {
  const [first, ...others] = profiles.map(({ plugins }) => plugins?.queueSort ?? {});
  const length = first?.enabled?.length ?? 0;
  const at = (index: number) => `profiles[${index}].plugins.queueSort`;
  return [
    ...(length > 1 ? [invalid(`${at(0)}.Enabled`, length, "only one queue sort plugin can be enabled")] : []),
    ...others.flatMap((other, index) =>
      JSON.stringify(other) === JSON.stringify(first)
        ? []
        : [invalid(at(index + 1), other, "must be the same for all profiles")],
    ),
  ];
}

/** @param ignored Resources that extenders see to. */
export function profileSpec(
  profile: ProfileFile,
  percentageOfAll: number,
  ignored: readonly string[],
): ProfileSpec {
  const pluginConfig = new Map<string, unknown>(
    (profile.pluginConfig ?? []).map(({ name = "", args }) => [name, args]),
  );
  if (ignored.length > 0) {
    const fit = (pluginConfig.get("NodeResourcesFit") ?? {}) as Partial<NodeResourcesFitArgs>;
    const ignoredResources = [...(fit.ignoredResources ?? []), ...ignored];
    pluginConfig.set("NodeResourcesFit", { ...fit, ignoredResources });
  }
  return {
    schedulerName: profile.schedulerName ?? "",
    percentageOfNodesToScore: profile.percentageOfNodesToScore ?? percentageOfAll,
    plugins: profile.plugins ?? {},
    pluginConfig,
  };
}
