import { systemClock } from "../../../base/os/clock.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { openStoreClient } from "../../../store/client/open-client.ts";
import { EtcdStorage } from "./etcd-storage.ts";
import { hasEtcd, type RealEtcd, startEtcd } from "./real-etcd.ts";
import { storageSuite } from "./storage.suite.ts";

describe("etcd storage over Debian's etcd", () => {
  let etcd: RealEtcd | undefined;
  let opened = 0;
  before(async function () {
    if (!hasEtcd()) this.skip();
    etcd = await startEtcd();
  });
  after(() => etcd?.stop());

  storageSuite("etcd v3", async () => {
    const endpoints = [etcd?.url ?? ""];
    const client = openStoreClient({ endpoints }, { clock: systemClock, random: systemRandom });
    return { storage: new EtcdStorage(client, systemClock), prefix: `/registry/suite-${++opened}/` };
  });
});
