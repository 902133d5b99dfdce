import assert from "node:assert/strict";
import fc from "fast-check";
import type { Pod } from "../../../client/types.ts";
import { resolve } from "../int-or-percent.ts";
import { isReady } from "../pod-state.ts";
import { ago, daemonSet, node, nowMs, pod } from "../testing/objects.ts";
import { revisionLabel } from "./daemon-pod.ts";
import { planDaemonSet } from "./plan-daemon-set.ts";

const hash = "new";
const versionOf = ({ metadata }: Pod) => metadata.labels?.[revisionLabel];
const isGoing = ({ metadata }: Pod) => metadata.deletionTimestamp !== undefined;

function daemon(
  name: string,
  version: string,
  state: { readonly ready?: boolean; readonly going?: boolean },
) {
  return pod(`${name}-${version}`, {
    node: name,
    ...(state.ready && { readyFor: 5 }),
    meta: { labels: { [revisionLabel]: version }, ...(state.going && { deletionTimestamp: ago(1) }) },
  });
}

describe("controlplane/controllers/daemonset: any rolling update with a surge", () => {
  it("has two pods on no more nodes than the surge, leaves no node without one that works, and gets there", () => {
    const surges = fc.oneof(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 100 }).map((share) => `${share}%`),
    );
    const luck = fc.array(fc.record({ ready: fc.nat(7), gone: fc.nat(7) }), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), surges, luck, (count, maxSurge, happenings) => {
        const set = daemonSet({
          updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable: 0 } },
        });
        const nodes = Array.from({ length: count }, (_, at) => node(`n${at}`));
        const names = nodes.map(({ metadata }) => metadata.name);
        let pods = names.map((name) => daemon(name, "old", { ready: true }));
        const on = (name: string) => pods.filter(({ spec }) => spec.nodeName === name);
        const sync = () => {
          const plan = planDaemonSet({ daemonSet: set, nodes, pods, hash, nowMs });
          pods = pods.map((one) =>
            plan.remove.includes(one)
              ? daemon(one.spec.nodeName ?? "", versionOf(one) ?? "", { ready: true, going: true })
              : one,
          );
          pods.push(...plan.create.map((name) => daemon(name, hash, {})));
          for (const name of names) {
            const standing = on(name).filter((one) => !isGoing(one));
            assert.equal(new Set(standing.map(versionOf)).size, standing.length, "two of one version");
            assert.ok(standing.some(isReady), `${name} is left without a pod that works`);
          }
          const doubled = names.filter((name) => on(name).filter((one) => !isGoing(one)).length > 1);
          assert.ok(doubled.length <= resolve(maxSurge, count, "up"), `${doubled.length} nodes have two`);
        };
        const makeReady = (name: string) => {
          pods = pods.map((one) =>
            one.spec.nodeName === name && versionOf(one) === hash ? daemon(name, hash, { ready: true }) : one,
          );
        };
        for (const { ready, gone } of happenings) {
          sync();
          makeReady(`n${ready}`);
          pods = pods.filter((one) => !(isGoing(one) && one.spec.nodeName === `n${gone}`));
        }
        for (let turn = 0; turn < 3 * count + 3; turn++) {
          sync();
          names.forEach(makeReady);
          pods = pods.filter((one) => !isGoing(one));
        }
        assert.deepEqual(
          pods.map(({ metadata }) => metadata.name).sort(),
          names.map((name) => `${name}-${hash}`),
        );
      }),
      { numRuns: 200 },
    );
  });
});
