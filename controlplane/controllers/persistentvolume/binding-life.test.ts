import assert from "node:assert/strict";
import fc from "fast-check";
import { isConflict } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../../client/types.ts";
import { planClaim } from "./plan-claim.ts";
import { planVolume } from "./plan-volume.ts";
import { bind, setVolumePhase, unbind, writeClaimStatus } from "./write-binding.ts";

const sizes = ["1Gi", "2Gi", "3Gi"];
const settings = fc.record({
  claims: fc.array(fc.constantFrom(...sizes), { minLength: 1, maxLength: 4 }),
  volumes: fc.array(fc.constantFrom(...sizes), { minLength: 1, maxLength: 4 }),
});
/** A binder looks at an object, in a cache that is so many writes behind, and is cut off after so many writes. Two binders may
 *  work at once as leaders change: their caches are behind by different amounts. */
const look = fc.record({
  kind: fc.constantFrom("claim" as const, "volume" as const),
  at: fc.nat(3),
  behind: fc.oneof(fc.constant(0), fc.nat(8)),
  writes: fc.oneof(fc.constant(9), fc.nat(4)),
});
type Settings = typeof settings extends fc.Arbitrary<infer T> ? T : never;

interface View {
  readonly claims: readonly PersistentVolumeClaim[];
  readonly volumes: readonly PersistentVolume[];
}

class CutOff extends Error {}

class World {
  readonly #api = new FakeApi();
  readonly #views: View[] = [];
  #writesLeft = Number.POSITIVE_INFINITY;

  static async make({ claims, volumes }: Settings): Promise<World> {
    const world = new World();
    for (const [at, storage] of claims.entries())
      await world.#api.create(resources.persistentvolumeclaims, {
        metadata: { name: `c${at}`, namespace: "default" },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } }, storageClassName: "" },
        status: { phase: "Pending" },
      } as unknown as PersistentVolumeClaim);
    for (const [at, storage] of volumes.entries())
      await world.#api.create(resources.persistentvolumes, {
        metadata: { name: `v${at}` },
        spec: { accessModes: ["ReadWriteOnce"], capacity: { storage }, storageClassName: "" },
        status: { phase: "Available" },
      } as unknown as PersistentVolume);
    world.#see();
    world.#api.intercept = async ({ verb }) => {
      if (!verb.startsWith("update")) return undefined;
      if (world.#writesLeft-- <= 0) throw new CutOff();
      return { after: async () => world.#see() };
    };
    return world;
  }

  get now(): View {
    return this.#views.at(-1) as View;
  }

  get written(): number {
    return this.#views.length;
  }

  /** Remembers what is so, and looks whether it may be so after what was. */
  #see(): void {
    const before = this.#views.at(-1);
    const claims = this.#api.all(resources.persistentvolumeclaims);
    const volumes = this.#api.all(resources.persistentvolumes);
    this.#views.push({ claims, volumes });
    for (const { metadata, spec } of before?.claims ?? []) {
      const next = claims.find((one) => one.metadata.name === metadata.name)?.spec.volumeName;
      if (spec.volumeName) assert.equal(next, spec.volumeName, `${metadata.name} gets another volume`);
    }
    const taken = claims.flatMap(({ spec }) => spec.volumeName ?? []);
    assert.equal(new Set(taken).size, taken.length, `a volume of two claims: ${taken}`);
    for (const { metadata, spec } of claims) {
      if (!spec.volumeName) continue;
      const volume = volumes.find((one) => one.metadata.name === spec.volumeName);
      assert.equal(volume?.spec.claimRef?.uid, metadata.uid, `${metadata.name} has what is another's`);
    }
  }

  async look({ kind, at, behind, writes }: typeof look extends fc.Arbitrary<infer T> ? T : never) {
    const view = this.#views[Math.max(0, this.#views.length - 1 - behind)] as View;
    this.#writesLeft = writes;
    try {
      if (kind === "claim") await this.#syncClaim(view, at);
      else await this.#syncVolume(view, at);
    } catch (error) {
      if (!(error instanceof CutOff) && !isConflict(error)) throw error;
    }
  }

  async #syncClaim({ claims, volumes }: View, at: number): Promise<void> {
    const claim = claims[at];
    if (claim === undefined) return;
    const step = planClaim({ claim, volumes, classes: [], unscheduledPods: [] });
    if (step.kind === "bind") await bind(this.#api, step.volume, claim);
    else if (step.kind === "pending") await writeClaimStatus(this.#api, claim, { phase: "Pending" });
    else assert.notEqual(step.kind, "lost");
  }

  /** That a claim is there and has no volume is asked of the API itself. */
  async #syncVolume({ claims, volumes }: View, at: number): Promise<void> {
    const volume = volumes[at];
    if (volume === undefined) return;
    const uid = volume.spec.claimRef?.uid;
    const step = planVolume(
      volume,
      [...claims, ...this.now.claims].find(({ metadata }) => metadata.uid === uid),
    );
    assert.notEqual(step.kind, "release");
    if (step.kind === "phase") await setVolumePhase(this.#api, volume, step.phase);
    if (step.kind === "unbind") await unbind(this.#api, volume);
  }
}

describe("controlplane/controllers/persistentvolume: any life of claims and volumes", () => {
  it("never binds a claim twice nor a volume to two claims, however late caches are and wherever it is cut off", async () => {
    await fc.assert(
      fc.asyncProperty(settings, fc.array(look, { minLength: 10, maxLength: 60 }), async (given, looks) => {
        const world = await World.make(given);
        for (const one of looks) await world.look(one);
        // From now on all goes well.
        for (let before = -1; before !== world.written; ) {
          before = world.written;
          for (const kind of ["claim", "volume"] as const)
            for (let at = 0; at < 4; at++) await world.look({ kind, at, behind: 0, writes: 9 });
        }
        const { claims, volumes } = world.now;
        const bound = claims.filter(({ status }) => status?.phase === "Bound");
        assert.equal(bound.length, volumes.filter(({ status }) => status?.phase === "Bound").length);
        const free = volumes.filter(({ spec }) => spec.claimRef === undefined);
        for (const open of claims.filter((one) => !bound.includes(one)))
          for (const { spec } of free)
            assert.ok(
              sizes.indexOf(spec.capacity?.storage ?? "") <
                sizes.indexOf(open.spec.resources?.requests?.storage ?? ""),
              "a claim waits beside a volume that would do",
            );
      }),
      { numRuns: 100 },
    );
  });
});
