import { Prng } from "../../../base/os/random.ts";
import { utf8 } from "../../../base/wire.ts";
import { methods } from "../../../proto/etcd-methods.ts";
import { assertAlike, besideEach, both, rounds, seed } from "./beside.ts";
import { ClaimSide } from "./claim-side.ts";
import { type ClaimStep, ClaimSteps, keyOf } from "./claim-steps.ts";
import type { RawClient, Told } from "./raw-client.ts";

const episodesCount = 3 * rounds;
const stepsCount = 60;

// 3.4 tells who waits for a lock nothing of it when the own key is lost.
besideEach({ what: "locks and elections", versions: ["3.7"] }, (pair) => {
  for (let episode = 0; episode < episodesCount; episode++)
    it(`go to the same in the same turn, ${episode}`, async () => {
      const { own, theirs } = pair();
      const sides = { own: new ClaimSide(own), theirs: new ClaimSide(theirs) };
      const steps = new ClaimSteps(new Prng(seed * 1_000 + episode));
      const before: ClaimStep[] = [];
      try {
        for (let at = 0; at < stepsCount; at++) {
          const step = steps.next();
          before.push(step);
          const told = await both(pair(), (side) => (side === own ? sides.own : sides.theirs).take(step));
          assertAlike(told, before);
        }
      } finally {
        await Promise.all([sides.own.end(), sides.theirs.end()]);
      }
    });

  it("go to the next in line when a lease runs out", async () => {
    const [short, long] = [11n, 12n];
    const told = await both(pair(), async ({ client }) => {
      await client.call(methods.leaseGrant, { id: short, ttl: 2 });
      await client.call(methods.leaseGrant, { id: long, ttl: 3_600 });
      const [locked, led] = [{ name: utf8("runs out/lock") }, { name: utf8("runs out/election") }];
      const first = [
        await client.call(methods.lock, { ...locked, lease: short }),
        await client.call(methods.campaign, { ...led, lease: short, value: utf8("short") }),
      ];
      const next = client.call(methods.campaign, { ...led, lease: long, value: utf8("long") });
      const news = client.listen(methods.observe, led);
      await news.until((heard) => heard.length === 1);
      while ((await countOf(client, keyOf("runs out/election", long))) === 0); // so that the lock's key is the later
      const second = [await client.call(methods.lock, { ...locked, lease: long }), await next];
      await news.until((heard) => heard.length === 2);
      news.cancel();
      return { first, second: second.map(withoutRevision), heard: news.told.slice(0, 2) };
    });
    assertAlike(told, [{ locks: "with a lease of 2 s" }]);
  });
});

async function countOf(client: RawClient, key: string): Promise<number> {
  const told = await client.call(methods.range, { key: utf8(key) });
  return "answer" in told ? (told.answer as { readonly count: number }).count : 0;
}

/** Who waits may have heard that the lease is gone before or after the other. */
const withoutRevision = (told: Told) => ("answer" in told ? { ...told.answer, header: {} } : told);
