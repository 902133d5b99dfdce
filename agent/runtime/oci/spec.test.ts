import { strict as assert } from "node:assert";
import { RuntimeError } from "../seam.ts";
import { containerConfig } from "../suite-configs.ts";
import { coversOf } from "./covers.ts";
import { capabilitiesIn, capabilityNames } from "./host-limits.ts";
import { capabilitiesOf, ociSpec } from "./spec.ts";

const without = (...names: string[]) => ({
  capabilities: new Set(capabilityNames.filter((name) => !names.includes(name))),
  lowestOomScore: 100,
});
const config = containerConfig(["true"], "/log");
const security = (change: Partial<typeof config.security>) => ({
  security: { ...config.security, ...change },
});

describe("capabilities of a container", () => {
  const host = without("SYS_RESOURCE", "MKNOD");

  it("are what exists of the bounding set for a privileged one", () => {
    const all = capabilitiesOf(security({ privileged: true }), host);
    assert.equal(all.length, capabilityNames.length - 2);
    assert.ok(!all.includes("CAP_SYS_RESOURCE") && all.includes("CAP_SYS_ADMIN") && all.includes("CAP_BPF"));
    assert.ok(
      !capabilitiesOf(config, host).includes("CAP_MKNOD"),
      "a default that the host lacks is left out",
    );
  });

  it("name the one that is asked for and missing, or does not exist", () => {
    const asking = (name: string) => () => capabilitiesOf(security({ addCapabilities: [name] }), host);
    assert.throws(
      asking("SYS_RESOURCE"),
      new RuntimeError("capability CAP_SYS_RESOURCE is asked for, but this host's agent does not have it"),
    );
    assert.throws(asking("FLY"), new RuntimeError("there is no capability CAP_FLY"));
    assert.ok(asking("cap_net_admin")().includes("CAP_NET_ADMIN"));
  });

  it("are read from the kernel's bit masks", () => {
    const status = "CapPrm:\t000001fffeffffff\nCapEff:\t0\nCapBnd:\t000001ffffffffff\n";
    assert.deepEqual(
      capabilityNames.filter((name) => !capabilitiesIn(status).has(name)),
      ["SYS_RESOURCE"],
    );
  });
});

describe("ociSpec", () => {
  const places = {
    rootfs: "/r",
    cgroupsPath: "/c",
    pausePid: 1,
    hostNetwork: false,
    hostPid: false,
    hostIpc: false,
    sharedPid: false,
    hostname: "h",
    host: without(),
  };

  it("gives a container a block device under the name that it asks for, to read where it may not write", () => {
    const device = { hostPath: "/dev/sdb", containerPath: "/dev/data", major: 8, minor: 16 };
    const of = (readOnly: boolean) =>
      (
        ociSpec({ ...config, devices: [{ ...device, readOnly }] }, places) as {
          linux: { devices: object[]; resources: { devices: object[] } };
        }
      ).linux;
    const own = { path: "/dev/data", type: "b", major: 8, minor: 16, fileMode: 0o660, uid: 0, gid: 6 };
    assert.deepEqual(of(false).devices, [own]);
    const rule = { allow: true, type: "b", major: 8, minor: 16 };
    assert.deepEqual(of(false).resources.devices.at(-1), { ...rule, access: "rwm" });
    assert.deepEqual(of(true).resources.devices.at(-1), { ...rule, access: "r" });
  });

  it("writes no oom score below what the host allows", () => {
    const score = (oomScoreAdj: number) => {
      const spec = ociSpec({ ...config, resources: { ...config.resources, oomScoreAdj } }, places);
      return (spec as { process: { oomScoreAdj: number } }).process.oomScoreAdj;
    };
    assert.deepEqual([score(-997), score(100), score(999)], [100, 100, 999]);
  });

  it("names the process' AppArmor profile, and none where none is asked for", () => {
    const processIn = (spec: object) => (spec as { process: Record<string, unknown> }).process;
    assert.equal(processIn(ociSpec(config, { ...places, appArmor: "mine" })).apparmorProfile, "mine");
    assert.ok(!("apparmorProfile" in processIn(ociSpec(config, places))));
  });
});

describe("the host's image", () => {
  it("hides folders but for this program in them, and what is to be hidden in that again", () => {
    const covers = coversOf(
      ["/root", "/root/pintle/data", "/none"],
      ["/usr", "/root/pintle"],
      (path) => path !== "/none",
    );
    assert.deepEqual(covers, [
      { at: "/root" },
      { at: "/root/pintle", shows: "/root/pintle" },
      { at: "/root/pintle/data" },
    ]);
  });
});
