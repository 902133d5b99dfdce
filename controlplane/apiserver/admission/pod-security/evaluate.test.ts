import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Pod } from "../../../../client/types.ts";
import { fillAppArmorProfiles } from "../../resources/app-armor-annotations.ts";
import { detailText, violations } from "./evaluate.ts";
import { isLevel, type LevelVersion, readVersion } from "./levels.ts";

type Spec = Pod["spec"] & { readonly annotations?: Record<string, string> };
interface Recorded {
  readonly pods: Readonly<Record<string, Spec>>;
  /** By level, by pod: what kube-apiserver 1.36.3 says is violated; null: nothing. */
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, string | null>>>>;
}
const file = new URL("../testdata/pod-security.json", import.meta.url);
const { pods, outcomes }: Recorded = JSON.parse(readFileSync(file, "utf8"));

function levelOf(text: string): LevelVersion {
  const [level = "", version = ""] = text.split(":");
  const minor = readVersion(version);
  assert.ok(isLevel(level) && minor !== undefined);
  return { level, minor };
}

function violated(level: string, { annotations = {}, ...spec }: Spec): string | null {
  const pod = { metadata: { annotations }, spec: structuredClone(spec) } as unknown as Pod;
  fillAppArmorProfiles(pod);
  return detailText(violations(levelOf(level), { annotations, spec: pod.spec })) || null;
}

describe("pod security levels, as kube-apiserver 1.36.3 judges", () => {
  for (const [level, byPod] of Object.entries(outcomes))
    it(level, () => {
      for (const [name, expected] of Object.entries(byPod))
        assert.equal(violated(level, pods[name] as Spec), expected, name);
    });

  it("asks nothing of the privileged level", () => {
    for (const spec of Object.values(pods)) assert.equal(violated("privileged:latest", spec), null);
  });

  it("forbids privileged containers and processes of the host from the baseline on", () => {
    assert.equal(
      violated("baseline:latest", pods.privileged as Spec),
      'privileged (containers "i", "c", "d" must not set securityContext.privileged=true)',
    );
    assert.equal(
      violated("baseline:latest", pods["windows host"] as Spec),
      "host namespaces (hostNetwork=true), hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)",
    );
  });
});
