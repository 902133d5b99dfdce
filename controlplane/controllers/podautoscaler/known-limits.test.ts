import assert from "node:assert/strict";
import { nowMs } from "../testing/objects.ts";
import { normalize, type ScaleChange, type ScalingRules } from "./plan-behavior.ts";

/** What Kubernetes lets a target grow and shrink to: present, proposed, least and most replicas; the policies for growing and
 *  shrinking (pods and their seconds, percent and its seconds), where they are not the default ones; what grew and shrank lately,
 *  spread evenly over so many seconds; what the target gets, and the reason. */
const cases = `
prenormalized desired replicas within range | 5 | 7 | 3 | 8 |  |  |  |  | 7 | DesiredWithinRange
prenormalized desired replicas < minReplicas | 3 | 1 | 2 | 8 |  |  |  |  | 2 | TooFewReplicas
prenormalized desired replicas within range when minReplicas is 0 | 1 | 0 | 0 | 10 |  |  |  |  | 0 | DesiredWithinRange
maxReplicas is the limit because maxReplicas < scaleUpLimit | 20 | 1000 | 1 | 10 |  |  |  |  | 10 | TooManyReplicas
desired replica count is more than the maximum replica count | 100 | 1000 | 100 | 150 |  |  |  |  | 150 | TooManyReplicas
scaleUpLimit is the limit because scaleUpLimit < maxReplicas with user policies | 3 | 1000 | 1 | 2000 | 0,0,1,60,0 |  |  |  | 4 | ScaleUpLimit
scaleDownLimit is the limit because scaleDownLimit > minReplicas with user defined policies | 1000 | 3 | 3 | 2000 |  | 20,60,0,0,0 |  |  | 980 | ScaleDownLimit
scaleUp with default behavior | 10 | 50 | 1 | 1000 |  |  |  |  | 20 | ScaleUpLimit
scaleUp with pods policy larger than percent policy | 10 | 500 | 1 | 1000 | 100,60,100,60,0 |  |  |  | 110 | ScaleUpLimit
scaleUp with percent policy larger than pods policy | 10 | 500 | 1 | 1000 | 2,60,100,60,0 |  |  |  | 20 | ScaleUpLimit
scaleUp with spec MaxReplicas limitation with large pod policy | 10 | 50 | 1 | 1000 | 100,60,0,0,0 |  |  |  | 50 | DesiredWithinRange
scaleUp with spec MaxReplicas limitation with large percent policy | 10 | 50 | 1 | 1000 | 10000,60,0,0,0 |  |  |  | 50 | DesiredWithinRange
scaleUp with pod policy limitation | 10 | 50 | 1 | 1000 | 30,60,0,0,0 |  |  |  | 40 | ScaleUpLimit
scaleUp with percent policy limitation | 10 | 50 | 1 | 1000 | 0,0,200,60,0 |  |  |  | 30 | ScaleUpLimit
scaleDown with percent policy larger than pod policy | 100 | 2 | 1 | 1000 |  | 20,60,1,60,300 |  |  | 80 | ScaleDownLimit
scaleDown with pod policy larger than percent policy | 100 | 2 | 1 | 1000 |  | 2,60,1,60,300 |  |  | 98 | ScaleDownLimit
scaleDown with spec MinReplicas=nil limitation with large pod policy | 10 | 0 | 1 | 1000 |  | 100,60,0,0,300 |  |  | 1 | TooFewReplicas
scaleDown with spec MinReplicas limitation with large pod policy | 10 | 0 | 1 | 1000 |  | 100,60,0,0,300 |  |  | 1 | TooFewReplicas
scaleDown with spec MinReplicas limitation with large percent policy | 10 | 2 | 5 | 1000 |  | 0,0,100,60,300 |  |  | 5 | TooFewReplicas
scaleDown with pod policy limitation | 10 | 2 | 1 | 1000 |  | 5,60,0,0,300 |  |  | 5 | ScaleDownLimit
scaleDown with percent policy limitation | 10 | 5 | 1 | 1000 |  | 0,0,50,60,300 |  |  | 5 | DesiredWithinRange
scaleUp with spec MaxReplicas limitation with large pod policy and events | 100 | 500 | 1 | 200 | 300,60,0,0,0 |  | 1,5,9/120 |  | 200 | TooManyReplicas
scaleUp with spec MaxReplicas limitation with large percent policy and events | 100 | 500 | 1 | 200 | 0,0,10000,60,0 |  | 1,5,9/120 |  | 200 | TooManyReplicas
scaleUp with currentReplicas limitation with rate.PeriodSeconds with a lot of recent scale up events | 100 | 500 | 1 | 1000 | 5,120,0,0,0 |  | 1,5,9/120 |  | 100 | ScaleUpLimit
scaleUp with pod policy and previous scale up events | 100 | 500 | 1 | 1000 | 150,120,0,0,0 |  | 1,5,9/120 |  | 235 | ScaleUpLimit
scaleUp with percent policy and previous scale up events | 100 | 500 | 1 | 1000 | 0,0,200,120,0 |  | 1,5,9/120 |  | 255 | ScaleUpLimit
scaleUp with percent policy and previous scale up and down events | 6 | 24 | 1 | 1000 | 0,0,300,300,0 |  | 4/120 | 2/120 | 16 | ScaleUpLimit
scaleDown with default policy and previous events | 10 | 5 | 1 | 1000 |  |  |  | 1,5,9/120 | 5 | DesiredWithinRange
scaleDown with spec MinReplicas=nil limitation with large pod policy and previous events | 100 | 0 | 1 | 1000 |  | 115,120,0,0,300 |  | 1,5,9/120 | 1 | TooFewReplicas
scaleDown with spec MinReplicas limitation with large pod policy and previous events | 100 | 0 | 5 | 1000 |  | 130,120,0,0,300 |  | 1,5,9/120 | 5 | TooFewReplicas
scaleDown with spec MinReplicas limitation with large percent policy and previous events | 100 | 2 | 5 | 1000 |  | 0,0,100,120,300 |  | 1,5,9/120 | 5 | TooFewReplicas
scaleDown with pod policy limitation and previous events | 100 | 2 | 1 | 1000 |  | 5,120,0,0,300 |  | 1,5,9/120 | 100 | ScaleDownLimit
scaleDown with percent policy limitation and previous events | 100 | 0 | 1 | 1000 |  | 0,0,50,120,300 |  | 2,4,6/120 | 56 | ScaleDownLimit
scaleDown with percent policy and previous scale up and down events | 10 | 1 | 1 | 1000 |  | 0,0,50,180,0 | 2/120 | 4/120 | 6 | ScaleDownLimit
scaleDown with previous events preventing further scale down | 100 | 0 | 1 | 1000 |  | 0,0,10,120,300 |  | 10,10,10/120 | 100 | ScaleDownLimit
scaleDown with with previous events still allowing more scale down | 10 | 5 | 1 | 1000 |  | 0,0,1000,120,300 |  | 10,10,10/120 | 5 | DesiredWithinRange
check 'outdated' flag for events for one behavior for up | 100 | 200 | 1 | 1000 | 1000,60,0,0,0 |  | 8,12,9,11/120 |  | 200 | DesiredWithinRange
check that events were not marked 'outdated' for two different policies in the behavior for up | 100 | 200 | 1 | 1000 | 1000,120,100,60,0 |  | 8,12,9,11/120 |  | 200 | DesiredWithinRange
check that events were marked 'outdated' for two different policies in the behavior for up | 100 | 200 | 1 | 1000 | 1000,30,100,60,0 |  | 8,12,9,11/120 |  | 200 | DesiredWithinRange
check 'outdated' flag for events for one behavior for down | 100 | 5 | 1 | 1000 |  | 1000,60,0,0,300 |  | 8,12,9,11/120 | 5 | DesiredWithinRange
check that events were not marked 'outdated' for two different policies in the behavior for down | 100 | 5 | 1 | 1000 |  | 1000,120,100,60,300 |  | 8,12,9,11/120 | 5 | DesiredWithinRange
check that events were marked 'outdated' for two different policies in the behavior for down | 100 | 5 | 1 | 1000 |  | 1000,30,100,60,300 |  | 8,12,9,11/120 | 5 | DesiredWithinRange
`;

function rulesOf(text: string, otherwise: NonNullable<ScalingRules["policies"]>): ScalingRules {
  const [pods = 0, podsSeconds = 0, percent = 0, percentSeconds = 0] = text.split(",").map(Number);
  const given = [
    { type: "Pods", value: pods, periodSeconds: podsSeconds },
    { type: "Percent", value: percent, periodSeconds: percentSeconds },
  ].filter(({ value }) => value > 0);
  const policies = text === "" ? otherwise : given;
  return { selectPolicy: "Max", stabilizationWindowSeconds: 0, policies };
}

function changesOf(text: string): readonly ScaleChange[] {
  if (text === "") return [];
  const [list = "", seconds = ""] = text.split("/");
  const changes = list.split(",").map(Number);
  const part = Number(seconds) / changes.length;
  return changes.map((change, index) => {
    const ago = Math.trunc(Number(seconds) - part * (index + 1) + part / 2);
    return { change, atMs: nowMs - ago * 1000 };
  });
}

const all = { type: "Percent", value: 100, periodSeconds: 15 };

describe("how fast a target follows, as in Kubernetes", () => {
  for (const line of cases.trim().split("\n")) {
    const [name = "", current, proposed, min, max, up = "", down = "", ups = "", downs = "", wanted, reason] =
      line.split("|").map((text) => text.trim());
    it(name, () => {
      const behavior = {
        scaleUp: rulesOf(up, [{ type: "Pods", value: 4, periodSeconds: 15 }, all]),
        scaleDown: rulesOf(down, [all]),
      };
      const { replicas, limited } = normalize(
        Number(proposed),
        { current: Number(current), min: Number(min), max: Number(max) },
        behavior,
        { recommendations: [], ups: changesOf(ups), downs: changesOf(downs) },
        { nowMs, downWindowMs: 0 },
      );
      assert.deepEqual([replicas, limited.reason], [Number(wanted), reason]);
    });
  }
});
