import assert from "node:assert/strict";
import fc from "fast-check";
import type { Pod, ReplicaSet } from "../../../client/types.ts";
import { isFinished } from "../pod-state.ts";
import { ago, deployment, nowMs, pod, replicaSet, template } from "../testing/objects.ts";
import { planDeployment } from "./plan-deployment.ts";
import { replicasOf } from "./plan-types.ts";

/** The Deployment's controller looks, those of its ReplicaSets bring pods and tell how many there are, and pods come to an end. */
const happening = fc.constantFrom("sync" as const, "bring" as const, "tell" as const, "gone" as const);

describe("controlplane/controllers/deployment: any life with Recreate", () => {
  it("never starts a pod of the new template beside one of the old that runs, and gets there", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(happening, { minLength: 10, maxLength: 60 }),
        (replicas, life) => {
          const one = deployment({ replicas, template: template("a:2"), strategy: { type: "Recreate" } });
          const sets = new Map<string, ReplicaSet>();
          let pods: readonly Pod[] = [];
          let made = 0;
          const standing = (name: string) =>
            pods.filter(({ metadata }) => metadata.ownerReferences?.[0]?.name === name);
          const alive = (name: string) =>
            standing(name).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
          const put = (name: string, wanted: number, shown: number) => {
            const isOld = name === "old";
            const made = replicaSet(name, isOld ? "a:1" : "a:2", {
              replicas: wanted,
              available: shown,
              sizedFor: replicas,
              maxFor: replicas,
              ageSeconds: isOld ? 20 : 10,
              revision: isOld ? 1 : 2,
            });
            sets.set(name, { ...made, status: { ...made.status, replicas: shown } });
          };
          const bring = () => {
            for (const [name, set] of sets) {
              const here = alive(name);
              for (const surplus of here.slice(replicasOf(set)))
                pods = pods.map((other) =>
                  other === surplus
                    ? { ...other, metadata: { ...other.metadata, deletionTimestamp: ago(1) } }
                    : other,
                );
              for (let missing = replicasOf(set) - here.length; missing > 0; missing--) {
                pods = [...pods, pod(`p${made++}`, { owner: set, readyFor: 5 })];
                if (name !== "new") continue;
                const old = standing("old").filter((other) => !isFinished(other));
                assert.equal(old.length, 0, "a new pod starts beside an old one");
              }
            }
          };
          const sync = () => {
            for (const step of planDeployment({
              deployment: one,
              replicaSets: [...sets.values()],
              pods,
              nowMs,
            })) {
              if (step.action === "createReplicaSet") put("new", step.object.spec.replicas ?? 0, 0);
              if (step.action === "scale")
                put(step.name, step.to, sets.get(step.name)?.status?.replicas ?? 0);
            }
          };
          const tell = () => {
            for (const [name, set] of sets) put(name, replicasOf(set), alive(name).length);
          };
          const gone = () => {
            const going = pods.find(({ metadata }) => metadata.deletionTimestamp !== undefined);
            pods = pods.filter((other) => other !== going);
          };
          put("old", replicas, replicas);
          bring();
          const does = { sync, bring, tell, gone };
          for (const what of life) does[what]();
          for (let turn = 0; turn < 20; turn++) for (const what of [sync, bring, gone, tell]) what();
          assert.equal(standing("new").length, replicas);
          assert.equal(standing("old").length, 0);
        },
      ),
      { numRuns: 60 },
    );
  });
});
