import { strict as assert } from "node:assert";
import { DriverError } from "./driver-error.ts";
import {
  type Capability,
  checkName,
  checkTarget,
  checkTopology,
  checkUse,
  idOf,
  isId,
  refuseParameters,
  sizeOf,
  whyUnfit,
} from "./requests.ts";

const refused = (status: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof DriverError);
  assert.equal(error.status, status);
  assert.match(error.message, message);
  return true;
};
const mount = { fsType: "", mountFlags: [] as string[], volumeMountGroup: "" };
const capability = (mode: string, more: object = {}): Capability =>
  ({ block: undefined, mount, accessMode: { mode }, ...more }) as Capability;

describe("what the local-path driver is asked", () => {
  it("has one id a name, which is a plain name whatever the name is", () => {
    for (const name of ["a", "../../etc", "x/y", "\u0000", "é".repeat(64)]) {
      assert.ok(isId(idOf(checkName(name))), name);
      assert.equal(idOf(name), idOf(name));
    }
    assert.notEqual(idOf("a"), idOf("b"));
    for (const name of ["", "é".repeat(65)])
      assert.throws(() => checkName(name), refused("INVALID_ARGUMENT", /name/));
    for (const id of ["", "../x", `${idOf("a")}/..`, `${idOf("a")}\n`, idOf("a").toUpperCase()])
      assert.ok(!isId(id), id);
  });

  it("is held to targets below the kubelet's folder, written in one way", () => {
    const dir = "/var/lib/kubelet";
    const target = `${dir}/pods/u/volumes/kubernetes.io~csi/v/mount`;
    assert.equal(checkTarget(target, dir), target);
    const wrong = [
      "",
      "mount",
      dir,
      `${dir}/`,
      `${dir}/../../../etc`,
      `${dir}/pods/../../../../etc/x`,
      `${dir}x/pods`,
      `${dir}//pods`,
      `${dir}/./pods`,
      `${dir}/pods/`,
      `${dir}/a\0b`,
      `${dir}/${"x".repeat(4096)}`,
      "/etc",
    ];
    for (const path of wrong)
      assert.throws(
        () => checkTarget(path, dir),
        refused("INVALID_ARGUMENT", /target_path/),
        path.slice(0, 80),
      );
  });

  it("refuses by name what a folder of one node cannot be", () => {
    const rows: readonly [Capability, RegExp][] = [
      [capability("SINGLE_NODE_WRITER", { block: {}, mount: undefined }), /^block volumes/],
      [capability("SINGLE_NODE_WRITER", { mount: undefined }), /access_type is missing/],
      [capability("UNKNOWN"), /access_mode is missing/],
      [capability("SINGLE_NODE_WRITER", { accessMode: undefined }), /access_mode is missing/],
      [capability("MULTI_NODE_MULTI_WRITER"), /MULTI_NODE_MULTI_WRITER/],
      [capability("SINGLE_NODE_WRITER", { mount: { ...mount, fsType: "ext4" } }), /fs_type/],
      [
        capability("SINGLE_NODE_WRITER", { mount: { ...mount, volumeMountGroup: "5" } }),
        /volume_mount_group/,
      ],
      [capability("SINGLE_NODE_WRITER", { mount: { ...mount, mountFlags: ["ro,suid"] } }), /"ro,suid"/],
      [capability("SINGLE_NODE_WRITER", { mount: { ...mount, mountFlags: ["-o"] } }), /"-o"/],
    ];
    for (const [asked, why] of rows) assert.match(whyUnfit(asked) ?? "", why);
    assert.deepEqual(
      checkUse(capability("SINGLE_NODE_WRITER", { mount: { ...mount, mountFlags: ["rw", "noexec"] } })),
      { mode: "SINGLE_NODE_WRITER", flags: ["noexec"] },
    );
    assert.throws(() => checkUse(undefined), refused("INVALID_ARGUMENT", /volume_capability/));
    refuseParameters("parameter", [{ key: "csi.storage.k8s.io/pvc/name", value: "x" }]);
    assert.throws(
      () => refuseParameters("parameter", [{ key: "path", value: "/etc" }]),
      refused("INVALID_ARGUMENT", /parameter "path"/),
    );
  });

  it("takes sizes that have no contradiction, and this node alone", () => {
    assert.deepEqual(sizeOf(undefined), { bytes: 0, limitBytes: 0 });
    assert.deepEqual(sizeOf({ requiredBytes: 0, limitBytes: 7 }), { bytes: 7, limitBytes: 7 });
    for (const [requiredBytes, limitBytes] of [
      [-1, 0],
      [0, -1],
      [2, 1],
    ] as const)
      assert.throws(
        () => sizeOf({ requiredBytes, limitBytes }),
        refused("INVALID_ARGUMENT", /capacity_range/),
      );
    const segments = { node: "n1" };
    const on = (value: string) => ({ segments: [{ key: "node", value }] });
    checkTopology(undefined, segments);
    checkTopology({ requisite: [on("n2"), on("n1")], preferred: [] }, segments);
    assert.throws(
      () => checkTopology({ requisite: [on("n2")], preferred: [] }, segments),
      refused("RESOURCE_EXHAUSTED", /this node/),
    );
  });
});
