import { systemClock } from "../../base/os/clock.ts";
import { leaseFenceSuite } from "../../controlplane/apiserver/lease-fence.suite.ts";
import { EtcdStorage } from "../../controlplane/apiserver/registry/etcd-storage.ts";
import { type StoreBeside, startStoreBeside } from "../store-beside.ts";

describe("the fence of Leases on our own store", () => {
  let beside: StoreBeside;
  before(async () => {
    beside = await startStoreBeside();
  });
  after(() => beside.stop());

  leaseFenceSuite("the store", async () => [
    new EtcdStorage(beside.client("port"), systemClock),
    new EtcdStorage(beside.client("socket"), systemClock),
  ]);
});
