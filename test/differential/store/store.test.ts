import { Prng } from "../../../base/os/random.ts";
import { rounds, seed } from "./beside.ts";
import { etcdPeers } from "./peers.ts";
import { StoreRequests } from "./requests.ts";
import { assertAlikeThroughout, type Script } from "./script.ts";
import { UserSteps } from "./user-steps.ts";
import { isCompared } from "./version-differences.ts";

const episodesCount = 3 * rounds;
const stepsCount = 100;

const first = (count: number, script: Script): Script => {
  let left = count;
  return (revision) => (left-- > 0 ? script(revision) : undefined);
};

for (const peer of etcdPeers())
  describe(`the store's answers beside etcd ${peer.minor} (seed ${seed})`, function () {
    this.timeout(1_800_000); // a difference is asked again and again, until its steps are few
    // Older versions check less, or in another order.
    const spoiledShare = peer.minor === "3.7" ? 0.1 : 0;

    for (let episode = 0; episode < episodesCount; episode++) {
      const random = () => new Prng(seed * 1_000 + episode);
      it(`${stepsCount} requests, one after the other, ${episode}`, () => {
        const requests = new StoreRequests(random(), spoiledShare);
        return assertAlikeThroughout(
          peer,
          first(stepsCount, (revision) => ({ by: "", asked: requests.next(revision) })),
        );
      });

      it(`${stepsCount} requests by users with rights and without, ${episode}`, () => {
        const source = random();
        const steps = new UserSteps(source, new StoreRequests(source, spoiledShare), (step) =>
          isCompared(peer, step),
        );
        return assertAlikeThroughout(
          peer,
          first(stepsCount, (revision) => steps.next(revision)),
        );
      });
    }
  });
