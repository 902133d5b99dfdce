import assert from "node:assert/strict";
import { systemClock } from "../../base/os/clock.ts";
import { UsageError } from "../../base/os/flags.ts";
import { silentLog } from "../../base/os/log.ts";
import { proxyModes } from "../network-seam.ts";
import { checkProxyMode, openServiceWriters } from "./service-writers.ts";

describe("what carries out Services", () => {
  const config = {
    nodeName: "n",
    nodeIp: "127.0.0.1",
    podCidr: "127.1.0.0/24",
    stateDir: "/nowhere",
  } as const;
  const parts = { os: { clock: systemClock }, log: silentLog, isAnotherNodes: () => false };

  it("is no part of the kernel where pods are plain processes", async () => {
    const { sides } = await openServiceWriters({ ...config, mode: "loopback" }, parts);
    assert.equal(sides.length, 1);
    for (const proxyMode of proxyModes)
      await assert.rejects(openServiceWriters({ ...config, mode: "loopback", proxyMode }, parts), (error) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, new RegExp(`^--proxy-mode ${proxyMode}: pods are plain processes`));
        return true;
      });
  });

  it("is refused by what the node lacks for it", async () => {
    const path = process.env.PATH;
    process.env.PATH = "/nowhere";
    try {
      for (const [proxyMode, what] of [
        ["nftables", "nft is not installed (apt-get install nftables)"],
        ["iptables", "iptables is not installed (apt-get install iptables)"],
        ["ipvs", "nft is not installed (apt-get install nftables)"],
      ] as const)
        for (const refused of [
          openServiceWriters({ ...config, mode: "bridge", proxyMode }, parts),
          checkProxyMode({ mode: "bridge", proxyMode, ipvsScheduler: undefined, balancerPool: [] }),
        ])
          await assert.rejects(refused, { message: `--proxy-mode ${proxyMode}: ${what}` });
    } finally {
      process.env.PATH = path;
    }
  });
});
