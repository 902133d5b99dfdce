import { strict as assert } from "node:assert";
import { parseFlags } from "../base/os/flags.ts";
import { agentConfig, agentFlags } from "./flags.ts";

describe("the agent's flags", () => {
  const config = (...words: string[]) =>
    agentConfig(parseFlags(agentFlags, ["--kubeconfig=/k", "--node-name=n", ...words], { env: {} }).flags);

  it("let pods use the host's file system only where they say so", () => {
    assert.equal(config().allowHostImage, false);
    assert.equal(config("--allow-host-image").allowHostImage, true);
  });

  it("name servers of some domains, where the node answers DNS itself", () => {
    const { stubDomains } = config("--dns-stub-domains=corp.example=10.0.0.1");
    assert.deepEqual([...stubDomains], [["corp.example", [{ address: "10.0.0.1", port: 53 }]]]);
    assert.throws(
      () => config("--dns-stub-domains=corp.example"),
      /--dns-stub-domains: "corp.example" is not/,
    );
    assert.throws(
      () => config("--dns-stub-domains=a.example=10.0.0.1", "--cluster-dns=10.0.0.1"),
      /--dns-stub-domains: .* has no effect where --cluster-dns names other servers/,
    );
  });

  it("name the node's addresses for node ports, and those of load balancers that it may answer at", () => {
    assert.deepEqual([config().nodePortRanges, config().balancerPool], [[], []]);
    const named = config("--node-ip=10.0.0.1", "--nodeport-addresses=primary,192.0.2.0/24");
    assert.deepEqual(named.nodePortRanges, ["10.0.0.1/32", "192.0.2.0/24"]);
    assert.deepEqual(
      config("--service-load-balancer-pool=10.9.0.1-10.9.0.9").balancerPool.map(({ text }) => text),
      ["10.9.0.1-10.9.0.9"],
    );
    assert.throws(
      () => config("--nodeport-addresses=here", "--service-load-balancer-pool=10.9.0.9-10.9.0.1"),
      /^UsageError: --nodeport-addresses: "here" is neither .*\n--service-load-balancer-pool: "10.9.0.9-10.9.0.1" is not FIRST/,
    );
  });
});
