import { strict as assert } from "node:assert";
import { parseFlags } from "../base/os/flags.ts";
import { agentConfig, agentFlags } from "./flags.ts";

describe("the agent's flags of its proxy", () => {
  const config = (...words: string[]) =>
    agentConfig(parseFlags(agentFlags, ["--kubeconfig=/k", "--node-name=n", ...words], { env: {} }).flags);

  it("say what leads to Services", () => {
    assert.equal(config().proxyMode, undefined);
    assert.equal(config("--proxy-mode=iptables").proxyMode, "iptables");
    assert.equal(config("--proxy-mode=ipvs", "--ipvs-scheduler=lc").ipvsScheduler, "lc");
    assert.throws(() => config("--proxy-mode=ipvs", "--ipvs-scheduler=best"), /"best" must be rr, wrr, lc/);
    assert.throws(() => config("--ipvs-scheduler=lc"), /--ipvs-scheduler: "lc" needs --proxy-mode ipvs/);
    assert.throws(
      () => config("--proxy-mode=userspace"),
      /--proxy-mode: "userspace" must be nftables, iptables, ipvs/,
    );
  });
});
