import { strict as assert } from "node:assert";
import { containerConfig, sandboxConfig } from "../suite-configs.ts";
import { keptKeys } from "./kept.ts";
import { containerRequest, sandboxRequest } from "./requests.ts";

const places = { nodeName: "n", cgroupParent: undefined };

describe("what a container runtime is asked for", () => {
  const container = (more: object, sandbox = sandboxConfig("p")) => {
    const config = { ...containerConfig(["run"], "/log"), ...more };
    return containerRequest(config, {
      ...places,
      sandboxId: "s",
      sandbox,
      hostsFile: "/hosts",
      seccompFile: undefined,
      hugePageSizes: [2 ** 21, 2 ** 30],
    }).config as unknown as Record<string, unknown> & {
      linux: { securityContext: Record<string, unknown> & { namespaceOptions: object } };
      mounts: readonly Record<string, unknown>[];
      annotations: readonly { key: string; value: string }[];
    };
  };

  it("are a pod's own users, for its sandbox, its containers and each of their mounts", () => {
    const users = { first: 131_072, length: 65_536 };
    const mapping = [{ hostId: 131_072, containerId: 0, length: 65_536 }];
    const own = { usernsOptions: { mode: "POD", uids: mapping, gids: mapping } };
    const sandbox = { ...sandboxConfig("p"), users };
    const { config } = sandboxRequest(sandbox, places) as { config: object };
    const { linux } = config as { linux: { securityContext: { namespaceOptions: object } } };
    assert.deepEqual(linux.securityContext.namespaceOptions, {
      network: "POD",
      pid: "CONTAINER",
      ipc: "POD",
      ...own,
    });
    const mounts = [{ hostPath: "/a", containerPath: "/b", readOnly: true }];
    const asked = container({ mounts }, sandbox);
    const { usernsOptions } = asked.linux.securityContext.namespaceOptions as typeof own;
    assert.deepEqual(usernsOptions, own.usernsOptions);
    assert.deepEqual(
      asked.mounts.map(({ uidMappings, gidMappings }) => [uidMappings, gidMappings]),
      [
        [mapping, mapping],
        [mapping, mapping],
      ],
    );
    const shared = container({ mounts });
    assert.ok(!("usernsOptions" in shared.linux.securityContext.namespaceOptions));
    assert.ok(shared.mounts.every((mount) => !("uidMappings" in mount)));
  });

  it("are labels of SELinux, for its sandbox and its containers", () => {
    const seLinux = { user: "", role: "", type: "spc_t", level: "s0:c1,c2" };
    const { config } = sandboxRequest({ ...sandboxConfig("p"), seLinux }, places) as { config: object };
    const { linux } = config as { linux: { securityContext: { selinuxOptions: object } } };
    assert.deepEqual(linux.securityContext.selinuxOptions, seLinux);
    const { security } = containerConfig(["run"], "/log");
    const asked = container({ security: { ...security, seLinux } });
    assert.deepEqual(asked.linux.securityContext.selinuxOptions, seLinux);
    assert.ok(!("selinuxOptions" in container({}).linux.securityContext));
  });

  it("are the huge pages that it asks for, and none of other sizes", () => {
    const { resources } = containerConfig(["run"], "/log");
    const hugePages = [{ pageBytes: 2 ** 21, bytesMost: 2 ** 22 }];
    const { linux } = container({ resources: { ...resources, hugePages } });
    assert.deepEqual(
      (linux as unknown as { resources: { hugepageLimits: object } }).resources.hugepageLimits,
      [
        { pageSize: "2MB", limit: 2 ** 22 },
        { pageSize: "1GB", limit: 0 },
      ],
    );
  });

  it("is all of /proc for who may see it", () => {
    const { security } = containerConfig(["run"], "/log");
    const masked = (more: object) =>
      container({ security: { ...security, ...more } }).linux.securityContext
        .maskedPaths as readonly string[];
    assert.ok(masked({}).includes("/proc/kcore"));
    assert.deepEqual([masked({ unmaskedProc: true }), masked({ privileged: true })], [[], []]);
  });

  it("are devices of the Container Device Interface, and annotations that are not the node's own", () => {
    const cdiDevices = ["example.com/gpu=a"];
    const runtimeAnnotations = { vendor: "x", [keptKeys.container]: "another's" };
    const asked = container({ cdiDevices, runtimeAnnotations });
    assert.deepEqual(asked.CDIDevices, [{ name: "example.com/gpu=a" }]);
    const texts = new Map(asked.annotations.map(({ key, value }) => [key, value]));
    assert.equal(texts.get("vendor"), "x");
    assert.notEqual(texts.get(keptKeys.container), "another's");
  });
});
