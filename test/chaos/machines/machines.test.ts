import assert from "node:assert/strict";
import { missingForMachines } from "../../machines.ts";
import { TroubledCluster } from "./cluster.ts";
import { troubles } from "./troubles.ts";

const missing = missingForMachines();

(missing === undefined ? describe : describe.skip)(
  `chaos: one of two nodes is in trouble, under load (needs ${missing ?? "nothing"})`,
  function () {
    this.timeout(300_000);
    this.bail(true);
    let cluster: TroubledCluster | undefined;

    before(async () => {
      cluster = await TroubledCluster.start();
    });
    afterEach(function () {
      if (this.currentTest?.state === "failed") console.error(cluster?.said());
    });
    after(() => cluster?.stop());

    for (const [name, trouble] of Object.entries(troubles))
      it(name, async () => {
        assert.ok(cluster);
        await trouble(cluster);
      });

    it("and every write that was acknowledged stands", async () => {
      assert.ok(cluster);
      assert.ok(await cluster.writes.stop());
      console.log(`      ${cluster.summary()}`);
    });
  },
);
