import assert from "node:assert/strict";
import { resources } from "../client/resources.ts";
import { startCluster } from "./start-cluster.ts";

const timers = [
  "setTimeout",
  "setInterval",
  "setImmediate",
  "clearTimeout",
  "clearInterval",
  "clearImmediate",
] as const;
const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "a" },
  spec: { containers: [{ name: "c", image: "slow" }] },
};

/** As `jest.useFakeTimers()` and its like do: nothing becomes due, and the time is another. Resolves with what ends that. */
function mockTimers(): () => void {
  const own = timers.map((name) => [name, globalThis[name]] as const);
  const { now } = Date;
  for (const name of timers) Object.assign(globalThis, { [name]: () => ({ unref: () => {} }) });
  const measured = performance.now;
  performance.now = () => 0;
  Date.now = () => 0;
  return () => {
    Object.assign(globalThis, Object.fromEntries(own));
    performance.now = measured;
    Date.now = now;
  };
}

describe("a cluster beside mocked timers", function () {
  this.timeout(30_000);

  for (const clock of ["real", "manual"] as const)
    it(`starts, moves on and stops by its own clock (${clock})`, async () => {
      const unmock = mockTimers();
      try {
        await using cluster = await startCluster({
          clock,
          nodes: 1,
          pods: [{ image: "slow", pull: "200ms" }],
        });
        await cluster.apply(pod);
        await cluster.untilReady(pod);
        await cluster.clock.advance("1m");
        assert.ok(cluster.clock.now().getUTCFullYear() >= 2026);
        const { url } = await cluster.kubeconfig();
        assert.match(url, /^https:/);
        await cluster.restart("scheduler");
        const { items } = await cluster.client.list(resources.nodes);
        assert.equal(items.length, 1);
      } finally {
        unmock();
      }
    });
});
