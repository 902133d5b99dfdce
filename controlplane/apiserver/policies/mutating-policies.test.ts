import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { systemClock } from "../../../base/os/clock.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import type { KubeObject, MutatingAdmissionPolicy } from "../../../client/types.ts";
import type { Mutable } from "../admission/admission.ts";
import { toKubeObject } from "../json.ts";
import { serverRequester } from "../registry/registry-deps.ts";
import { priorityClasses } from "../resources/priorityclasses.ts";
import { schemas } from "../schema-wiring.ts";
import { type MutatingPolicyDeps, mutatingPolicies } from "./mutating-policies.ts";
import { compileMutating, type MutatingPolicy } from "./policy.ts";
import { PolicyIndex } from "./policy-index.ts";
import { mutatingPolicyMetrics } from "./policy-metrics.ts";

const mutation = (expression: string) => ({
  patchType: "ApplyConfiguration",
  applyConfiguration: { expression },
});
const label = (key: string, value: string) =>
  mutation(`Object{metadata: Object.metadata{labels: {"${key}": ${value}}}}`);

/** Runs one policy on a PriorityClass. @returns The object, and how often the variable was computed. */
async function run(
  mutations: readonly object[],
  metrics = new MetricsRegistry(),
): Promise<{ readonly object: KubeObject; readonly computed: number }> {
  let computed = 0;
  const counting = (policy: MutatingAdmissionPolicy): MutatingPolicy => {
    const compiled = compileMutating(policy);
    const variables = compiled.variables.map((variable) => {
      if (!("program" in variable.compiled)) return variable;
      const { program } = variable.compiled;
      const evaluate: typeof program.evaluate = (...given) => {
        computed++;
        return program.evaluate(...given);
      };
      return { ...variable, compiled: { program: { ...program, evaluate } } };
    });
    return { ...compiled, variables };
  };
  const index = new PolicyIndex(counting);
  const meta = { metadata: { name: "p" } };
  index.policies.changed(undefined, {
    ...meta,
    spec: {
      matchConstraints: {
        resourceRules: [
          { apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["priorityclasses"] },
        ],
      },
      variables: [{ name: "text", expression: "'v' + string(object.value)" }],
      mutations,
    },
  } as unknown as KubeObject);
  index.bindings.changed(undefined, {
    metadata: { name: "b" },
    spec: { policyName: "p" },
  } as unknown as KubeObject);
  const object = toKubeObject({
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name: "high", labels: { kept: "v7" } },
    value: 7,
  });
  priorityClasses.applyDefaults(object);
  const deps = {
    schemas: schemas(),
    clock: systemClock,
    mutationChecks: mutatingPolicyMetrics(metrics),
  } as unknown as MutatingPolicyDeps;
  const plugin = mutatingPolicies(deps, { areNone: false, current: async () => index });
  const attributes = {
    operation: "create",
    object,
    kind: priorityClasses,
    by: serverRequester,
    dryRun: false,
  };
  await plugin.mutate?.(attributes as Mutable);
  return { object, computed };
}

describe("variables of mutating policies", () => {
  it("are computed once for all mutations that change nothing", async () => {
    const { object, computed } = await run([1, 2, 3, 4].map(() => label("kept", "variables.text")));
    strictEqual(computed, 1);
    deepStrictEqual(object.metadata.labels, { kept: "v7" });
  });

  it("are computed anew, and seen anew, after a mutation that changed the object", async () => {
    const { object, computed } = await run([
      label("first", "variables.text"),
      mutation("Object{value: 8}"),
      label("kept", "'v7'"),
      label("second", "variables.text"),
      label("second", "variables.text"),
    ]);
    deepStrictEqual(object.metadata.labels, { kept: "v7", first: "v7", second: "v8" });
    strictEqual(computed, 3);
  });
});

describe("mutations of policies", () => {
  it("are counted by what came of them", async () => {
    const metrics = new MetricsRegistry();
    const toWhatIsNoNumber = mutation("Object{metadata: Object.metadata{name: string(1 / 0)}}");
    await rejects(run([label("a", "'b'"), label("c", "'d'"), toWhatIsNoNumber], metrics));
    const text = await metrics.text();
    for (const [error_type, count] of [
      ["no_error", 2],
      ["invalid_error", 1],
    ]) {
      const labels = `{error_type="${error_type}",policy="p",policy_binding="b"}`;
      for (const name of ["check_total", "check_duration_seconds_count"])
        ok(text.includes(`apiserver_mutating_admission_policy_${name}${labels} ${count}\n`), text);
    }
  });
});

describe("numbers of mutating policies", () => {
  it("leave of a whole number what its field can hold, as a kube-apiserver does", async () => {
    const { object } = await run([mutation("Object{value: 4294967299}")]);
    strictEqual((object as { value?: unknown }).value, 3);
  });
});
