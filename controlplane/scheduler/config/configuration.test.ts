import assert from "node:assert/strict";
import { parse } from "yaml";
import { sketchCache } from "../testing/cluster.ts";
import { testHandle } from "../testing/test-profile.ts";
import { readConfiguration } from "./configuration.ts";
import { profileFrom } from "./make-profiles.ts";
import { pluginArgs } from "./plugin-args.ts";

const header = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";
const read = (text: string) => readConfiguration(parse(header + text));

/** The names at each extension point of the only profile, and the scores' weights. */
function pointsOf(text: string) {
  const result = read(text);
  assert.ok("configuration" in result, JSON.stringify(result));
  const [spec] = result.configuration.profiles;
  assert.ok(spec);
  const { points, weights } = profileFrom(spec, testHandle(sketchCache([])));
  const names = (point: keyof typeof points) => points[point].map(({ name }) => name);
  return { names, weights };
}

const args = (plugin: string, text: string) =>
  `profiles:\n- pluginConfig:\n  - name: ${plugin}\n    args: ${text}\n`;
const at = "profiles[0].pluginConfig[0].args";
const terms = `${at}.addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]`;
const wishes = `${at}.addedAffinity.preferredDuringSchedulingIgnoredDuringExecution[0]`;
const noLabelValue =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const problems: Readonly<Record<string, readonly [text: string, ...problems: string[]]>> = {
  "an unknown field": ["profilez: []", 'strict decoding error: unknown field "profilez"'],
  "a share of more than all": [
    "percentageOfNodesToScore: 101",
    "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]",
  ],
  "back-offs the wrong way round": [
    "podInitialBackoffSeconds: 5\npodMaxBackoffSeconds: 2",
    "podMaxBackoffSeconds: Invalid value: 2: must be greater than or equal to PodInitialBackoffSeconds",
  ],
  "a back-off of nothing": [
    "podInitialBackoffSeconds: 0",
    "podInitialBackoffSeconds: Invalid value: 0: must be greater than 0",
  ],
  "another lock than leases": [
    "leaderElection: {resourceLock: endpoints}",
    'leaderElection.resourceLock: Invalid value: "endpoints": resourceLock value must be "leases"',
  ],
  "profiles without names": [
    "profiles: [{}, {}]",
    "profiles[0].schedulerName: Required value",
    "profiles[1].schedulerName: Required value",
    'profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"',
  ],
  "different queues": [
    "profiles: [{schedulerName: a}, {schedulerName: b, plugins: {queueSort: {enabled: [{name: X}]}}}]",
    'profiles[1].plugins.queueSort: Invalid value: {"enabled":[{"name":"X"}]}: must be the same for all profiles',
  ],
  "preemption of no node": [
    args("DefaultPreemption", "{minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0}"),
    `${at}.minCandidateNodesPercentage: Invalid value: 0: cannot be zero at the same time as minCandidateNodesAbsolute`,
    `${at}.minCandidateNodesAbsolute: Invalid value: 0: cannot be zero at the same time as minCandidateNodesPercentage`,
  ],
  "a heavy affinity": [
    args("InterPodAffinity", "{hardPodAffinityWeight: 101}"),
    `${at}.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]`,
  ],
  "constraints beside the system's": [
    args(
      "PodTopologySpread",
      "{defaultConstraints: [{maxSkew: 0, topologyKey: z, whenUnsatisfiable: Never}]}",
    ),
    `${at}.defaultingType: Invalid value: "System": when .defaultConstraints are not empty`,
    `${at}.defaultConstraints[0].maxSkew: Invalid value: 0: not in valid range (0, inf)`,
    `${at}.defaultConstraints[0].whenUnsatisfiable: Unsupported value: "Never": supported values: "DoNotSchedule", "ScheduleAnyway"`,
  ],
  "a strategy that does not exist": [
    args("NodeResourcesFit", "{scoringStrategy: {type: Best}}"),
    `${at}.scoringStrategy.type: Unsupported value: "Best": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"`,
  ],
  "a ratio without a shape": [
    args("NodeResourcesFit", "{scoringStrategy: {type: RequestedToCapacityRatio}}"),
    `${at}.scoringStrategy.requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio`,
  ],
  "balance by weight": [
    args("NodeResourcesBalancedAllocation", "{resources: [{name: cpu, weight: 2}, {name: cpu}]}"),
    `${at}.resources[0].weight: Invalid value: 2: must be 1`,
    `${at}.resources[1].name: Duplicate value: "cpu"`,
  ],
  "a negative time for volumes": [
    args("VolumeBinding", "{bindTimeoutSeconds: -1}"),
    `${at}.bindTimeoutSeconds: Invalid value: -1: invalid BindTimeoutSeconds, should not be a negative value`,
  ],
  "a search for devices without an end, or of a negative one": [
    args("DynamicResources", "{filterTimeout: 0s, bindingTimeout: 999ms}"),
    `${at}.filterTimeout: Invalid value: "0s": a search without an end would hold all of this scheduler: leave it out`,
    `${at}.bindingTimeout: Invalid value: "999ms": must be at least 1 second`,
  ],
  "a search for devices that ends before it begins": [
    args("DynamicResources", "{filterTimeout: -1s}"),
    `${at}.filterTimeout: Invalid value: "-1s": must be zero or positive`,
  ],
  "arguments that devices' plugin does not have": [
    args("DynamicResources", "{filterTimeoutSeconds: 1}"),
    `strict decoding error: unknown field "${at}.filterTimeoutSeconds"`,
  ],
  "arguments of a plugin that has none": [
    args("NodePorts", "{range: 1-2}"),
    `strict decoding error: unknown field "${at}.range"`,
  ],
  "arguments that are none": [args("VolumeBinding", "5"), `${at}: Invalid value: 5: must be an object`],
  "terms for nodes that can never hold": [
    args(
      "NodeAffinity",
      "{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: z, operator: Near}, {key: z, operator: In}, {key: z, operator: Gt, values: [x]}, {key: z, operator: Exists, values: [x]}]}]}, preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchFields: [{key: metadata.name, operator: Exists}, {key: metadata.name, operator: In, values: [a, b]}]}}]}}",
    ),
    `${terms}.matchExpressions[0].operator: Unsupported value: "Near": supported values: "DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn"`,
    `${terms}.matchExpressions[1].values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty`,
    `${terms}.matchExpressions[2].values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`,
    `${terms}.matchExpressions[3].values: Invalid value: ["x"]: values set must be empty for exists and does not exist`,
    `${wishes}.matchFields[0].operator: Unsupported value: "Exists": supported values: "In", "NotIn"`,
    `${wishes}.matchFields[1].values: Invalid value: ["a","b"]: must have one element`,
  ],
  "terms for nodes of names and values that no label has": [
    args(
      "NodeAffinity",
      `{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: ${"/".padEnd(65, "k")}, operator: NotIn, values: [a, -b]}, {key: z, operator: Gt, values: ["-1"]}]}]}}}`,
    ),
    `${terms}.matchExpressions[0].key: Invalid value: "${"/".padEnd(65, "k")}": prefix part must be non-empty; name part must be no more than 63 bytes`,
    `${terms}.matchExpressions[0].values[1][${"/".padEnd(65, "k")}]: Invalid value: "-b": ${noLabelValue}`,
    `${terms}.matchExpressions[1].values[0][z]: Invalid value: "-1": ${noLabelValue}`,
  ],
  "a topology that is no label": [
    args(
      "PodTopologySpread",
      "{defaultingType: List, defaultConstraints: [{maxSkew: 1, topologyKey: -z, whenUnsatisfiable: ScheduleAnyway}]}",
    ),
    `${at}.defaultConstraints[0].topologyKey: Invalid value: "-z": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
  ],
  "nothing in a list": ["profiles: [null]", "profiles[0]: Invalid value: null: must not be null"],
  "two extenders that bind": [
    "extenders: [{urlPrefix: http://a, bindVerb: b}, {urlPrefix: http://b, bindVerb: b, prioritizeVerb: p}]",
    "extenders[1].weight: Invalid value: 0: must have a positive weight applied to it",
    'extenders: Invalid value: "found 2 extenders implementing bind": only one extender can implement bind',
  ],
  "what is not done here": [
    "parallelism: 4\nclientConnection: {qps: 50}",
    "parallelism: Invalid value: 4: this scheduler decides on one thread: leave it out",
    "clientConnection.qps: Invalid value: 50: requests are not held back here: leave it out, or -1",
  ],
};

describe("controlplane/scheduler/config: a KubeSchedulerConfiguration", () => {
  for (const [name, [text, ...wanted]] of Object.entries(problems))
    it(`refuses ${name}`, () => assert.deepEqual(read(text), { problems: wanted }));

  it("refuses other kinds and versions", () => {
    const result = readConfiguration({ apiVersion: "v1", kind: "Pod" });
    assert.match(JSON.stringify(result), /only kubescheduler\.config\.k8s\.io\/v1 is known/);
  });

  it("is complete where it says nothing", () => {
    const result = read("");
    assert.ok("configuration" in result);
    const { profiles, backoff, election } = result.configuration;
    assert.deepEqual(
      profiles.map(({ schedulerName }) => schedulerName),
      ["default-scheduler"],
    );
    assert.deepEqual(backoff, { firstMs: 1_000, mostMs: 10_000 });
    assert.deepEqual(election.times, {
      leaseDurationMs: 15_000,
      renewDeadlineMs: 10_000,
      retryPeriodMs: 2_000,
    });
  });

  it("takes null for what is left out", () => {
    const nothing = read("leaderElection: null\nclientConnection: null\nextenders: null\nprofiles: null");
    assert.deepEqual(nothing, read(""));
    const given = (text: string) => pluginArgs("NodeResourcesFit", parse(text), at);
    assert.deepEqual(
      given("{ignoredResources: null, scoringStrategy: {type: MostAllocated, resources: null}}"),
      given("{scoringStrategy: {type: MostAllocated}}"),
    );
    assert.deepEqual(pluginArgs("VolumeBinding", { bindTimeoutSeconds: null }, at).args, {
      bindTimeoutSeconds: 600,
    });
  });

  it("says how long a search for devices may take, and how long they may take to get ready", () => {
    const file = { filterTimeout: "1m0.5s", bindingTimeout: "30s" };
    assert.deepEqual(pluginArgs("DynamicResources", file, at), {
      args: { filterTimeoutMs: 60_500, bindingTimeoutMs: 30_000 },
      problems: [],
    });
    assert.deepEqual(pluginArgs("DynamicResources", undefined, at), {
      args: { bindingTimeoutMs: 600_000 },
      problems: [],
    });
  });

  it("gives scores Kubernetes' weights, and others where it says so", () => {
    const weights = (text: string) => Object.fromEntries(pointsOf(text).weights);
    assert.deepEqual(weights(""), {
      TaintToleration: 3,
      NodeAffinity: 2,
      NodeResourcesFit: 1,
      PodTopologySpread: 2,
      InterPodAffinity: 2,
      DynamicResources: 2,
      NodeResourcesBalancedAllocation: 1,
      ImageLocality: 1,
    });
    const other = "profiles: [{plugins: {multiPoint: {enabled: [{name: ImageLocality, weight: 7}]}}}]";
    assert.equal(weights(other).ImageLocality, 7);
  });

  it("disables plugins at one point, at all, and all of a point", () => {
    const one = pointsOf("profiles: [{plugins: {score: {disabled: [{name: NodeAffinity}]}}}]");
    assert.ok(!one.names("score").includes("NodeAffinity") && one.names("filter").includes("NodeAffinity"));
    const everywhere = pointsOf("profiles: [{plugins: {multiPoint: {disabled: [{name: NodeAffinity}]}}}]");
    assert.ok(!everywhere.names("filter").includes("NodeAffinity"));
    const point = pointsOf(
      'profiles: [{plugins: {score: {disabled: [{name: "*"}], enabled: [{name: ImageLocality, weight: 5}]}}}]',
    );
    assert.deepEqual(point.names("score"), ["ImageLocality"]);
    assert.equal(point.weights.get("ImageLocality"), 5);
  });

  it("asks first those that are enabled at a point of their own", () => {
    const { names } = pointsOf("profiles: [{plugins: {filter: {enabled: [{name: NodePorts}]}}}]");
    assert.deepEqual(names("filter").slice(0, 2), ["NodePorts", "NodeUnschedulable"]);
  });

  it("names plugins that do not exist or have nothing to do where they are enabled", () => {
    assert.throws(
      () => pointsOf("profiles: [{pluginConfig: [{name: Nobody, args: {a: 1}}]}]"),
      /plugin "Nobody" does not exist/,
    );
    assert.throws(
      () => pointsOf("profiles: [{plugins: {filter: {enabled: [{name: Nobody}]}}}]"),
      /plugin "Nobody" does not exist/,
    );
    assert.throws(
      () => pointsOf("profiles: [{plugins: {filter: {enabled: [{name: ImageLocality}]}}}]"),
      /plugin "ImageLocality" does not extend filter plugin/,
    );
    assert.throws(
      () => pointsOf('profiles: [{plugins: {bind: {disabled: [{name: "*"}]}}}]'),
      /at least one bind plugin is needed for profile with scheduler name "default-scheduler"/,
    );
  });
});
