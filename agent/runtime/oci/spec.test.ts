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

  it("limits huge pages of every size that groups can be held to, to none that are not asked for", () => {
    const limitsOf = (more: object, hugePageSizes?: number[]) => {
      const resources = { ...config.resources, ...more };
      const spec = ociSpec({ ...config, resources }, { ...places, ...(hugePageSizes && { hugePageSizes }) });
      return (spec as { linux: { resources: { hugepageLimits?: object } } }).linux.resources.hugepageLimits;
    };
    const hugePages = [{ pageBytes: 2 ** 21, bytesMost: 2 ** 22 }];
    assert.deepEqual(limitsOf({ hugePages }, [2 ** 21, 2 ** 30]), [
      { pageSize: "2MB", limit: 2 ** 22 },
      { pageSize: "1GB", limit: 0 },
    ]);
    assert.deepEqual(limitsOf({}, [2 ** 21]), [{ pageSize: "2MB", limit: 0 }]);
    assert.equal(limitsOf({ hugePages }), undefined);
  });

  it("gives a container a block device under the name that it asks for, to read where it may not write", () => {
    const device = { hostPath: "/dev/sdb", containerPath: "/dev/data", major: 8, minor: 16 };
    const of = (permissions: string) =>
      (
        ociSpec({ ...config, devices: [{ ...device, type: "b", permissions }] }, places) as {
          linux: { devices: object[]; resources: { devices: object[] } };
        }
      ).linux;
    const own = { path: "/dev/data", type: "b", major: 8, minor: 16, fileMode: 0o660, uid: 0, gid: 6 };
    assert.deepEqual(of("rwm").devices, [own]);
    const rule = { allow: true, type: "b", major: 8, minor: 16 };
    assert.deepEqual(of("rwm").resources.devices.at(-1), { ...rule, access: "rwm" });
    assert.deepEqual(of("r").resources.devices.at(-1), { ...rule, access: "r" });
  });

  it("joins the user namespace of a pod with users of its own first, and shows it devices in place of making them", () => {
    const users = { first: 131_072, length: 65_536 };
    const own = { hostPath: "/dev/gpu0", containerPath: "/dev/gpu", major: 195, minor: 0 };
    const devices = [{ ...own, type: "c" as const, permissions: "rw" }];
    const { linux, mounts } = ociSpec({ ...config, devices }, { ...places, users }) as {
      linux: Record<string, unknown> & { namespaces: object[]; resources: { devices: object[] } };
      mounts: object[];
    };
    assert.deepEqual(linux.namespaces[0], { type: "user", path: "/proc/1/ns/user" });
    const mapping = [{ containerID: 0, hostID: 131_072, size: 65_536 }];
    assert.deepEqual([linux.uidMappings, linux.gidMappings, linux.devices], [mapping, mapping, undefined]);
    assert.deepEqual(mounts.at(-1), {
      destination: "/dev/gpu",
      type: "bind",
      source: "/dev/gpu0",
      options: ["bind", "rprivate", "nosuid", "noexec", "rw"],
    });
    const rule = { allow: true, type: "c", major: 195, minor: 0, access: "rw" };
    assert.deepEqual(linux.resources.devices.at(-1), rule);
  });

  it("hides and protects parts of /proc but from who may see all of it", () => {
    const linuxOf = (unmaskedProc: boolean) =>
      (ociSpec({ ...config, security: { ...config.security, unmaskedProc } }, places) as { linux: object })
        .linux;
    assert.ok("maskedPaths" in linuxOf(false) && "readonlyPaths" in linuxOf(false));
    assert.ok(!("maskedPaths" in linuxOf(true)) && !("readonlyPaths" in linuxOf(true)));
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
