import assert from "node:assert/strict";
import { ManualClock } from "../../../client/testing/manual-clock.ts";
import { LentAddresses } from "./lent-addresses.ts";

describe("addresses that a link has for a time", () => {
  const rig = () => {
    const clock = new ManualClock();
    const commands: (readonly string[])[] = [];
    let failure: Error | undefined;
    const lent = new LentAddresses({
      clock,
      link: "eth0",
      ip: async (lines) => {
        commands.push(lines);
        if (failure !== undefined) throw failure;
      },
    });
    const fail = (error: Error | undefined) => {
      failure = error;
    };
    return { clock, commands, lent, fail };
  };

  it("are renewed together, each for what its lease has left", async () => {
    const { lent, commands } = rig();
    await Promise.all([lent.hold("10.0.0.1", 2_000), lent.hold("10.0.0.2", 1_001)]);
    assert.deepEqual(commands, [
      [
        "addr replace 10.0.0.1/32 dev eth0 valid_lft 2 preferred_lft 2",
        "addr replace 10.0.0.2/32 dev eth0 valid_lft 2 preferred_lft 2",
      ],
    ]);
    await lent.hold("10.0.0.1", 900);
    assert.deepEqual(commands[1], ["addr replace 10.0.0.1/32 dev eth0 valid_lft 1 preferred_lft 1"]);
  });

  it("of IPv6 are good at once, and nobody is connected to from there", async () => {
    const { lent, commands } = rig();
    await lent.hold("fd00::1", 2_000);
    await lent.drop("fd00::1");
    assert.deepEqual(commands, [
      ["addr replace fd00::1/128 dev eth0 valid_lft 2 preferred_lft 0 nodad"],
      ["addr del fd00::1/128 dev eth0"],
    ]);
  });

  it("are not taken when the lease is over by then, nor when they were dropped meanwhile", async () => {
    const { lent, commands, clock } = rig();
    await clock.advance(2_000);
    await lent.hold("10.0.0.1", 2_000);
    assert.deepEqual(commands, []);
    const held = lent.hold("10.0.0.1", 4_000);
    await Promise.all([held, lent.drop("10.0.0.1")]);
    assert.deepEqual(commands, [["addr del 10.0.0.1/32 dev eth0"]]);
  });

  it("are gone when the kernel took them back before, and what else goes wrong is said", async () => {
    const { lent, fail } = rig();
    fail(new Error("ip -batch -: RTNETLINK answers: Cannot assign requested address"));
    await lent.drop("10.0.0.1");
    fail(new Error("Cannot find device"));
    await assert.rejects(lent.drop("10.0.0.1"), /Cannot find device/);
    await assert.rejects(lent.hold("10.0.0.1", 2_000), /Cannot find device/);
    fail(undefined);
    await lent.hold("10.0.0.1", 2_000);
  });
});
