import assert from "node:assert/strict";
import fc from "fast-check";
import type { Pod } from "../../client/types.ts";
import { rankPods } from "./rank-pods.ts";
import type { StarvedResource } from "./signals.ts";

interface Candidate {
  readonly name: string;
  readonly priority?: number;
  readonly request?: number;
  readonly use?: number | undefined;
}

/** Nobody can ask for inodes or process numbers. */
const podOf = (resource: StarvedResource, { name, priority, request }: Candidate): Pod => {
  const isAskable = resource === "memory" || resource === "ephemeral-storage";
  const requests = isAskable && request !== undefined ? { [resource]: String(request) } : {};
  return {
    metadata: { name, namespace: "default", uid: name },
    spec: {
      ...(priority !== undefined && { priority }),
      containers: [{ name: "c", image: "i", resources: { requests } }],
    },
  } as unknown as Pod;
};

function order(resource: StarvedResource, candidates: readonly Candidate[]): readonly string[] {
  const uses = new Map(candidates.map(({ name, use }) => [name, use]));
  const pods = candidates.map((one) => podOf(resource, one));
  return rankPods(pods, resource, ({ metadata }) => uses.get(metadata.name)).map(
    ({ metadata }) => metadata.name,
  );
}

describe("agent/eviction/rank-pods", () => {
  it("takes those above their requests first, then by priority, then by how much they are above", () => {
    const candidates = [
      { name: "modest", priority: -5, request: 100, use: 100 },
      { name: "little-above", request: 100, use: 110 },
      { name: "much-above", request: 100, use: 200 },
      { name: "above-but-important", priority: 10, use: 900 },
      { name: "below", request: 500, use: 400 },
    ];
    const wanted = ["much-above", "little-above", "above-but-important", "modest", "below"];
    assert.deepEqual(order("memory", candidates), wanted);
    assert.deepEqual(order("ephemeral-storage", [...candidates].reverse()), wanted);
  });

  it("takes one of which nothing is known before all that are known, whatever their priority", () => {
    const candidates = [
      { name: "greedy", priority: -1, use: 1e12 },
      { name: "unknown", priority: 1000, use: undefined },
    ];
    assert.deepEqual(order("memory", candidates), ["unknown", "greedy"]);
    assert.deepEqual(order("inodes", candidates), ["unknown", "greedy"]);
  });

  it("goes by priority, then by number, where process numbers are short: nobody can ask for those", () => {
    const candidates = [
      { name: "bomb", use: 30_000 },
      { name: "unknown", use: undefined },
      { name: "important", priority: 1, use: 90_000 },
      { name: "small", use: 3 },
      { name: "least", priority: -1, use: 1 },
    ];
    assert.deepEqual(order("pids", candidates), ["least", "unknown", "bomb", "small", "important"]);
  });

  it("makes one order of all pods, however they come, in which nobody within its request goes before one above it", () => {
    const candidate = fc.record({
      priority: fc.integer({ min: -2, max: 2 }),
      request: fc.integer({ min: 0, max: 4 }),
      use: fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined }),
    });
    const resources = fc.constantFrom<StarvedResource>("memory", "ephemeral-storage", "inodes", "pids");
    fc.assert(
      fc.property(
        fc.array(candidate, { maxLength: 8 }),
        resources,
        fc.func(fc.integer()),
        (drawn, resource, shuffle) => {
          // Names after what they are: equal ones have one name.
          const all = drawn.map((one) => ({ ...one, name: JSON.stringify(one) }));
          const ranked = order(resource, all);
          const other = [...all].sort((a, b) => shuffle(a) - shuffle(b));
          assert.deepEqual(order(resource, other).map(rankKey(resource)), ranked.map(rankKey(resource)));
          assert.deepEqual([...ranked].sort(), all.map(({ name }) => name).sort());
          if (resource === "pids") return;
          const isKnownAndModest = ranked.map((name) => {
            const { use, request } = JSON.parse(name) as { use?: number; request: number };
            const asked = resource === "inodes" ? 0 : request;
            return use !== undefined && use <= asked;
          });
          assert.ok(
            !isKnownAndModest.includes(true) ||
              !isKnownAndModest.slice(isKnownAndModest.indexOf(true)).includes(false),
          );
        },
      ),
    );
  });
});

/** What decides: two that differ in nothing of it may stand in either order. */
function rankKey(resource: StarvedResource) {
  return (name: string): string => {
    const { priority, request, use } = JSON.parse(name) as {
      priority: number;
      request: number;
      use?: number;
    };
    const asked = resource === "memory" || resource === "ephemeral-storage" ? request : 0;
    return JSON.stringify([priority, use === undefined ? "unknown" : use - asked]);
  };
}
