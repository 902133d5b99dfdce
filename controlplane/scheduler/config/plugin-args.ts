import type { TopologySpreadConstraint } from "../../../client/types.ts";
import type { DefaultPreemptionArgs } from "../plugins/default-preemption.ts";
import type { DynamicResourcesArgs } from "../plugins/dynamic-resources.ts";
import type { InterPodAffinityArgs } from "../plugins/inter-pod-affinity.ts";
import type { NodeAffinityArgs } from "../plugins/node-affinity.ts";
import type { NodeResourcesBalancedAllocationArgs, NodeResourcesFitArgs } from "../plugins/resources-fit.ts";
import type { PodTopologySpreadArgs } from "../plugins/spread-constraints.ts";
import { pluginFactories } from "../plugins/table.ts";
import type { VolumeBindingArgs } from "../plugins/volume-binding.ts";
import { affinityProblems, selectorTermShape } from "./affinity-args.ts";
import { completeDeviceArgs, type DynamicResourcesFile, deviceProblems } from "./device-args.ts";
import { duplicate, forbidden, invalid, required, unsupported } from "./problems.ts";
import { fitProblems, nameProblems, resourceShape, strategyShape, withDefaultWeights } from "./score-args.ts";
import { type Shape, shapeProblems, withoutNulls } from "./shape.ts";

/** The arguments of one plugin: their form, what stands where nothing is said, and what is wrong with what was given. */
interface ArgsRow<A, Given = Partial<A>> {
  readonly fields: Readonly<Record<string, Shape>>;
  readonly complete: (given: Given) => A;
  readonly problems: (args: A, path: string, given: Given) => readonly string[];
}

/** Forgets the type of the arguments: rows are looked up by the plugin's name. */
const row = <A, Given>(one: ArgsRow<A, Given>): ArgsRow<unknown> => one as ArgsRow<unknown>;

const outside = (value: number, least: number, most: number): boolean => value < least || value > most;

const defaultPreemption: ArgsRow<DefaultPreemptionArgs> = {
  fields: { minCandidateNodesPercentage: "integer", minCandidateNodesAbsolute: "integer" },
  complete: ({ minCandidateNodesPercentage = 10, minCandidateNodesAbsolute = 100 }) => ({
    minCandidateNodesPercentage,
    minCandidateNodesAbsolute,
  }),
  problems: ({ minCandidateNodesPercentage: share, minCandidateNodesAbsolute: least }, path) => {
    const [atShare, atLeast] = [`${path}.minCandidateNodesPercentage`, `${path}.minCandidateNodesAbsolute`];
    const zero = "cannot be zero at the same time as";
    return [
      ...(outside(share, 0, 100) ? [invalid(atShare, share, "not in valid range [0, 100]")] : []),
      ...(least < 0 ? [invalid(atLeast, least, "not in valid range [0, inf)")] : []),
      ...(share === 0 && least === 0
        ? [
            invalid(atShare, share, `${zero} minCandidateNodesAbsolute`),
            invalid(atLeast, least, `${zero} minCandidateNodesPercentage`),
          ]
        : []),
    ];
  },
};

const interPodAffinity: ArgsRow<InterPodAffinityArgs> = {
  fields: { hardPodAffinityWeight: "integer", ignorePreferredTermsOfExistingPods: "boolean" },
  complete: ({ hardPodAffinityWeight = 1, ignorePreferredTermsOfExistingPods = false }) => ({
    hardPodAffinityWeight,
    ignorePreferredTermsOfExistingPods,
  }),
  problems: ({ hardPodAffinityWeight: weight }, path) =>
    outside(weight, 0, 100)
      ? [invalid(`${path}.hardPodAffinityWeight`, weight, "not in valid range [0, 100]")]
      : [],
};

const nodeAffinity: ArgsRow<NodeAffinityArgs> = {
  fields: {
    addedAffinity: {
      fields: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          fields: { nodeSelectorTerms: { list: selectorTermShape } },
        },
        preferredDuringSchedulingIgnoredDuringExecution: {
          list: { fields: { weight: "integer", preference: selectorTermShape } },
        },
      },
    },
  },
  complete: (given) => given,
  problems: affinityProblems,
};

const balanced: ArgsRow<NodeResourcesBalancedAllocationArgs> = {
  fields: { resources: { list: resourceShape } },
  complete: ({ resources }) => ({ resources: withDefaultWeights(resources) }),
  problems: ({ resources }, path) =>
    resources.flatMap(({ name, weight }, at) => [
      ...(resources.findIndex((other) => other.name === name) < at
        ? [duplicate(`${path}.resources[${at}].name`, name)]
        : []),
      ...(weight === 1 ? [] : [invalid(`${path}.resources[${at}].weight`, weight, "must be 1")]),
    ]),
};

const fit: ArgsRow<NodeResourcesFitArgs> = {
  fields: {
    ignoredResources: { list: "string" },
    ignoredResourceGroups: { list: "string" },
    scoringStrategy: strategyShape,
  },
  complete: ({ ignoredResources = [], ignoredResourceGroups = [], scoringStrategy }) => ({
    ignoredResources,
    ignoredResourceGroups,
    scoringStrategy: {
      ...(scoringStrategy ?? { type: "LeastAllocated" }),
      resources: withDefaultWeights(scoringStrategy?.resources),
    },
  }),
  problems: fitProblems,
};

const constraintShape: Shape = {
  fields: {
    maxSkew: "integer",
    topologyKey: "string",
    whenUnsatisfiable: "string",
    labelSelector: "anything",
    minDomains: "integer",
    nodeAffinityPolicy: "string",
    nodeTaintsPolicy: "string",
    matchLabelKeys: { list: "string" },
  },
};

const actions = ["DoNotSchedule", "ScheduleAnyway"];

const spread: ArgsRow<PodTopologySpreadArgs> = {
  fields: { defaultConstraints: { list: constraintShape }, defaultingType: "string" },
  complete: ({ defaultConstraints = [], defaultingType = "System" }) => ({
    defaultConstraints,
    defaultingType,
  }),
  problems: ({ defaultConstraints, defaultingType }, path) => {
    const at = `${path}.defaultingType`;
    const ofType = ["System", "List"].includes(defaultingType)
      ? defaultingType === "System" && defaultConstraints.length > 0
        ? [invalid(at, defaultingType, "when .defaultConstraints are not empty")]
        : []
      : [unsupported(at, defaultingType, ["System", "List"])];
    const all = `${path}.defaultConstraints`;
    return [
      ...ofType,
      ...defaultConstraints.flatMap((one, index) =>
        constraintProblems(one, `${all}[${index}]`, defaultConstraints.slice(0, index)),
      ),
    ];
  },
};

function constraintProblems(
  one: TopologySpreadConstraint,
  path: string,
  before: readonly TopologySpreadConstraint[],
): readonly string[] {
  const { maxSkew = 0, topologyKey = "", whenUnsatisfiable = "", labelSelector } = one;
  const repeats = before.some(
    (other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable,
  );
  return [
    ...(maxSkew > 0 ? [] : [invalid(`${path}.maxSkew`, maxSkew, "not in valid range (0, inf)")]),
    ...(topologyKey === ""
      ? [required(`${path}.topologyKey`, "can not be empty")]
      : nameProblems(topologyKey, `${path}.topologyKey`)),
    ...(whenUnsatisfiable === ""
      ? [required(`${path}.whenUnsatisfiable`, "can not be empty")]
      : actions.includes(whenUnsatisfiable)
        ? []
        : [unsupported(`${path}.whenUnsatisfiable`, whenUnsatisfiable, actions)]),
    ...(labelSelector === undefined
      ? []
      : [
          forbidden(
            `${path}.labelSelector`,
            "constraint must not define a selector, as they deduced for each pod",
          ),
        ]),
    ...(repeats ? [duplicate(path, `{${topologyKey}, ${whenUnsatisfiable}}`)] : []),
  ];
}

const volumeBinding: ArgsRow<VolumeBindingArgs & { readonly shape?: unknown }> = {
  fields: { bindTimeoutSeconds: "integer", shape: "anything" },
  complete: ({ bindTimeoutSeconds = 600, ...rest }) => ({ bindTimeoutSeconds, ...rest }),
  problems: ({ bindTimeoutSeconds: seconds, shape }, path) => [
    ...(seconds < 0
      ? [
          invalid(
            `${path}.bindTimeoutSeconds`,
            seconds,
            "invalid BindTimeoutSeconds, should not be a negative value",
          ),
        ]
      : []),
    ...(shape === undefined
      ? []
      : [
          invalid(
            `${path}.shape`,
            shape,
            "unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring",
          ),
        ]),
  ],
};

const dynamicResources: ArgsRow<DynamicResourcesArgs, DynamicResourcesFile> = {
  fields: { filterTimeout: "duration", bindingTimeout: "duration" },
  complete: completeDeviceArgs,
  problems: (_args, path, given) => deviceProblems(given, path),
};

const noArguments: ArgsRow<undefined> = { fields: {}, complete: () => undefined, problems: () => [] };

/** The plugins whose arguments Kubernetes has a kind for: no other plugin of ours has any, and those of users' plugins are handed
 *  on as they are. */
const rows: Readonly<Record<string, ArgsRow<unknown>>> = {
  DefaultPreemption: row(defaultPreemption),
  DynamicResources: row(dynamicResources),
  InterPodAffinity: row(interPodAffinity),
  NodeAffinity: row(nodeAffinity),
  NodeResourcesBalancedAllocation: row(balanced),
  NodeResourcesFit: row(fit),
  PodTopologySpread: row(spread),
  VolumeBinding: row(volumeBinding),
};

/** Completes what a file says for a plugin, and says what is wrong with it. Pure. */
export function pluginArgs(
  plugin: string,
  given: unknown,
  path: string,
): { readonly args: unknown; readonly problems: readonly string[] } {
  const known = rowOf(plugin);
  if (known === undefined) return { args: given, problems: [] };
  if ((typeof given !== "object" && given !== undefined) || Array.isArray(given))
    return { args: given, problems: [invalid(path, given, "must be an object")] };
  const { apiVersion, kind, ...own } = (given ?? {}) as Record<string, unknown>;
  const version = "kubescheduler.config.k8s.io/v1";
  if (apiVersion !== undefined && apiVersion !== version)
    return { args: given, problems: [unsupported(`${path}.apiVersion`, apiVersion, [version])] };
  if (kind !== undefined && kind !== `${plugin}Args`)
    return { args: given, problems: [invalid(path, given, "has to match plugin args")] };
  const shape: Shape = { fields: known.fields };
  const wrong = shapeProblems(own, shape, path);
  if (wrong.length > 0) return { args: given, problems: wrong };
  const said = withoutNulls(own, shape) as object;
  const args = known.complete(said);
  return { args, problems: known.problems(args, path, said) };
}

function rowOf(plugin: string): ArgsRow<unknown> | undefined {
  if (Object.hasOwn(rows, plugin)) return rows[plugin];
  return Object.hasOwn(pluginFactories, plugin) ? row(noArguments) : undefined;
}
