import assert from "node:assert/strict";
import { createLog } from "../../base/os/log.ts";
import { openHostPorts } from "./host-ports.ts";
import { ipFamilies } from "./ip-family.ts";
import type { Ruleset } from "./nft-ruleset.ts";

describe("host ports", () => {
  const open = ({ refuses = false, routes = true } = {}) => {
    const applied: Record<4 | 6, Ruleset[]> = { 4: [], 6: [] };
    const routed: string[] = [];
    const lines: string[] = [];
    const side = (version: 4 | 6) => ({
      family: ipFamilies[version],
      applier: {
        apply: async (ruleset: Ruleset) => {
          if (refuses) throw new Error("the kernel says no");
          applied[version].push(ruleset);
        },
        check: async () => undefined,
        remove: async () => undefined,
      },
    });
    const routeLoopback = async (podIp: string) => {
      if (!routes) throw new Error("read-only");
      routed.push(`${podIp} after ${applied[4].length}`);
    };
    const log = createLog({ format: "text", write: (line) => lines.push(line) });
    return { hostPorts: openHostPorts([side(4), side(6)], { log, routeLoopback }), applied, routed, lines };
  };
  const port = { protocol: "TCP", hostPort: 8080, containerPort: 80 } as const;
  const ips = ["10.1.0.2", "fd00::2"];
  const ports = (ruleset: Ruleset | undefined) =>
    ruleset?.chains["host-ports"]?.rules.map(({ text }) => text);

  it("of pods that nobody took over are gone once all that go on were set, be they none", async () => {
    const { hostPorts, applied } = open();
    await hostPorts.set("a", ips, []);
    assert.deepEqual([applied[4].length, applied[6].length], [0, 0]);
    await hostPorts.restored();
    assert.deepEqual([ports(applied[4].at(-1)), ports(applied[6].at(-1))], [[], []]);
    await hostPorts.set("b", ips, [port]);
    await hostPorts.restored();
    assert.equal(ports(applied[6].at(-1))?.length, 1);
  });

  it("keep others out of the loopback before they let the node's own programs use it", async () => {
    const { hostPorts, applied, routed } = open();
    await hostPorts.set("a", ips, [port]);
    assert.deepEqual(routed, ["10.1.0.2 after 1"], "IPv6 has no way there");
    const { fence, postrouting } = applied[4][0]?.chains ?? {};
    assert.equal(fence?.hook?.text, "type filter hook prerouting priority raw;");
    assert.deepEqual(
      fence?.rules.map(({ text }) => text),
      ["saddr", "daddr"].map((side) => `iifname != "lo" ip ${side} 127.0.0.0/8 drop`),
    );
    assert.match(postrouting?.rules.at(-1)?.text ?? "", /saddr 127\.0\.0\.0\/8 oifname != "lo" masquerade$/);
    assert.deepEqual(Object.keys(applied[6][0]?.chains ?? {}), [
      "host-ports",
      "prerouting",
      "output",
      "postrouting",
    ]);
  });

  it("go on without the loopback where it cannot be routed, and without a clean table where the kernel refuses", async () => {
    const stuck = open({ routes: false });
    await stuck.hostPorts.set("a", ips, [port]);
    assert.match(stuck.lines.join(), /not reachable at 127\.0\.0\.1.*read-only/);
    const refused = open({ refuses: true });
    await refused.hostPorts.restored();
    assert.match(refused.lines.join(), /may still lead somewhere.*says no/);
    await assert.rejects(refused.hostPorts.set("a", ips, [port]), /says no/);
    assert.deepEqual(refused.routed, [], "there is no fence");
  });
});
