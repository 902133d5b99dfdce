import assert from "node:assert/strict";
import { ipRangeText } from "../../../base/ip-range.ts";
import { parseFlags } from "../../../base/os/flags.ts";
import { nodeCidrsConfig, nodeIpamFlags } from "./flags.ts";

const read = (...argv: string[]) => {
  const problems: string[] = [];
  const { flags } = parseFlags(nodeIpamFlags, ["--allocate-node-cidrs", ...argv]);
  const config = nodeCidrsConfig(flags, problems);
  return problems.length > 0
    ? problems.join("\n")
    : config?.cluster.map(({ range, maskSize }) => `${ipRangeText(range)} ${maskSize}`).join(", ");
};

describe("the ranges that nodes' ranges are cut from", () => {
  it("are of one family or both, with a size for each", () => {
    assert.equal(
      read("--cluster-cidr=10.0.0.0/12", "--cidr-allocator-type=RangeAllocator"),
      "10.0.0.0/12 24",
    );
    assert.equal(read("--cluster-cidr=10.0.0.0/12"), "10.0.0.0/12 24");
    assert.equal(read("--cluster-cidr=fd00::/50"), "fd00::/50 64");
    assert.equal(read("--cluster-cidr=10.0.0.0/16,fd00::/48"), "10.0.0.0/16 24, fd00::/48 64");
    const sizes = ["--node-cidr-mask-size-ipv4=26", "--node-cidr-mask-size-ipv6=60"];
    assert.equal(read("--cluster-cidr=fd00::/48,10.0.0.0/16", ...sizes), "fd00::/48 60, 10.0.0.0/16 26");
    assert.equal(read("--cluster-cidr=fd00::/48", "--node-cidr-mask-size=60"), "fd00::/48 60");
  });

  it("are refused by name where they mean nothing together", () => {
    const both = "--cluster-cidr=10.0.0.0/16,fd00::/48";
    for (const [argv, why] of [
      [[], /--cluster-cidr: needed/],
      [["--cluster-cidr=10.0.0.0/16,10.1.0.0/16"], /different families/],
      [["--cidr-allocator-type=CloudAllocator"], /"CloudAllocator" is not RangeAllocator/],
      [["--cluster-cidr=ten"], /"ten" is not a range/],
      [[both, "--node-cidr-mask-size=24"], /not allowed with dual-stack/],
      [["--cluster-cidr=10.0.0.0/16", "--node-cidr-mask-size-ipv6=64"], /single-stack IPv4/],
      [["--cluster-cidr=fd00::/48", "--node-cidr-mask-size-ipv4=24"], /single-stack IPv6/],
      [
        ["--cluster-cidr=10.0.0.0/16", "--node-cidr-mask-size=24", "--node-cidr-mask-size-ipv4=24"],
        /together/,
      ],
      [["--cluster-cidr=10.0.0.0/25"], /24 is not between --cluster-cidr's 25 and 30/],
      [["--cluster-cidr=fd00::/40"], /more than 65536 ranges; use 56 at most/],
    ] as const)
      assert.match(String(read(...argv)), why);
  });
});
