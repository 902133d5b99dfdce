import { Prng } from "../../../base/os/random.ts";
import { assertAlike, besideEach, both, rounds, seed } from "./beside.ts";
import type { Told } from "./raw-client.ts";
import { type Asked, methodOf, StoreRequests } from "./requests.ts";
import { settled } from "./version-differences.ts";

const requestsCount = 300 * rounds;

besideEach({ what: "the store's answers" }, (pair, peer) => {
  it(`${requestsCount} requests, one after the other`, async () => {
    // Older versions check less, or in another order.
    const requests = new StoreRequests(new Prng(seed), peer.minor === "3.7" ? 0.1 : 0);
    const before: Asked[] = [];
    let revision = 1;
    for (let at = 0; at < requestsCount; at++) {
      const asked = requests.next(revision);
      const told = await both(pair(), ({ client }) => client.call(methodOf(asked), asked.request));
      before.push(asked);
      assertAlike(settled(peer, asked, told), before.slice(-7));
      revision = revisionIn(told.own) ?? revision;
    }
  });
});

function revisionIn(told: Told): number | undefined {
  if (!("answer" in told)) return undefined;
  const { revision = 0 } = (told.answer as { header?: { revision?: number } }).header ?? {};
  return revision === 0 ? undefined : revision;
}
