import { strict as assert } from "node:assert";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EditableSpec, injectCdi } from "./cdi.ts";

describe("devices of the Container Device Interface", () => {
  let root: string;
  let folders: readonly [string, string];
  let spec: EditableSpec;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-cdi-"));
    folders = [join(root, "etc"), join(root, "run")];
    for (const folder of folders) await mkdir(folder);
    spec = {
      process: { env: ["PATH=/bin", "GPU=no"], user: { uid: 1000, gid: 0, additionalGids: [5] } },
      mounts: [{ destination: "/lib/gpu", type: "bind", source: "/old", options: ["rbind"] }],
      linux: { resources: { devices: [{ allow: false, access: "rwm" }] } },
    };
  });
  afterEach(() => rm(root, { recursive: true, force: true }));
  const describeKind = (device: object, more: object = {}) => ({
    cdiVersion: "0.6.0",
    kind: "example.com/gpu",
    devices: [{ name: "a", containerEdits: device }],
    ...more,
  });
  const put = (folder: 0 | 1, name: string, value: unknown) =>
    writeFile(join(folders[folder], name), typeof value === "string" ? value : JSON.stringify(value));
  const inject = (...names: string[]) => injectCdi(spec, names, folders);

  it("bring variables, devices, mounts, groups and hooks, those of all of a kind first", async () => {
    const hook = { path: "/usr/bin/hook", args: ["hook", "x"], env: ["A=1"], timeout: 5 };
    const device = {
      env: ["GPU=a"],
      deviceNodes: [
        { path: "/dev/gpu", hostPath: "/dev/null", permissions: "rw" },
        { path: "/dev/zero", uid: 7, gid: 8, fileMode: 0o600, major: 9, minor: 9, type: "c" },
      ],
      mounts: [{ hostPath: "/opt/gpu", containerPath: "/lib/gpu", options: ["ro", "nosuid"] }],
      hooks: [{ hookName: "createContainer", ...hook }],
      additionalGids: [44, 5, 0],
    };
    await put(0, "gpu.json", describeKind(device, { containerEdits: { env: ["ALL=1", "GPU=any"] } }));
    await inject("example.com/gpu=a");
    assert.deepEqual(spec.process, {
      env: ["PATH=/bin", "ALL=1", "GPU=a"],
      user: { uid: 1000, gid: 0, additionalGids: [5, 44] },
    });
    const [gpu, zero] = spec.linux.devices ?? [];
    assert.deepEqual(gpu, {
      path: "/dev/gpu",
      type: "c",
      major: 1,
      minor: 3,
      fileMode: 0o666,
      uid: 1000,
      gid: 0,
    });
    assert.deepEqual(zero, {
      path: "/dev/zero",
      type: "c",
      major: 9,
      minor: 9,
      fileMode: 0o600,
      uid: 7,
      gid: 8,
    });
    assert.deepEqual(spec.linux.resources.devices, [
      { allow: false, access: "rwm" },
      { allow: true, type: "c", major: 1, minor: 3, access: "rw" },
      { allow: true, type: "c", major: 9, minor: 9, access: "rwm" },
    ]);
    assert.deepEqual(spec.mounts, [
      { destination: "/lib/gpu", source: "/opt/gpu", type: "bind", options: ["rbind", "ro", "nosuid"] },
    ]);
    assert.deepEqual(spec.hooks, { createContainer: [hook] });
  });

  it("are read as YAML, too, and those of the later folder count", async () => {
    await put(0, "gpu.json", describeKind({ env: ["FROM=etc"] }));
    const text =
      "cdiVersion: 0.5.0\nkind: example.com/gpu\ndevices:\n- name: a\n  containerEdits: {env: [FROM=run]}\n";
    await put(1, "gpu.yaml", text);
    await inject("example.com/gpu=a");
    assert.ok(spec.process.env.includes("FROM=run"));
    assert.ok(!spec.process.env.includes("FROM=etc"));
  });

  it("are refused by name where nobody describes them, or two do", async () => {
    await put(0, "gpu.json", describeKind({}));
    await assert.rejects(
      inject("example.com/gpu=a", "example.com/gpu=b", "other.com/x=y"),
      /^RuntimeError: CDI device injection failed: unresolvable CDI devices example\.com\/gpu=b, other\.com\/x=y$/,
    );
    await put(0, "again.json", describeKind({}));
    await assert.rejects(inject("example.com/gpu=a"), /conflicting device example\.com\/gpu=a/);
  });

  for (const [what, device, why] of [
    ["what is not done here", { intelRdt: { closID: "x" } }, /intelRdt is not supported/],
    [
      "a hook of a kind that there is not",
      { hooks: [{ hookName: "later", path: "/x" }] },
      /hook "later" is not known/,
    ],
    ["a hook that is named by no path", { hooks: [{ hookName: "poststop", path: "x" }] }, /no absolute path/],
    ["a device that is none", { deviceNodes: [{ path: "/dev" }] }, /\/dev is no device/],
    ["a device that is not there", { deviceNodes: [{ path: "/dev/nowhere" }] }, /ENOENT/],
    ["a mount that climbs", { mounts: [{ hostPath: "/a/../b", containerPath: "/x" }] }, /no absolute path/],
    ["what has another form", { env: "A=1" }, /is no list/],
  ] as const)
    it(`are refused with ${what}`, async () => {
      await put(0, "gpu.json", describeKind(device));
      await assert.rejects(inject("example.com/gpu=a"), why);
    });

  it("say what is wrong with a file where a device is missed, and are found in the others all the same", async () => {
    await put(0, "bad.json", "{");
    await put(0, "old.json", describeKind({}, { cdiVersion: "0.1.0", kind: "old.com/x" }));
    await put(0, "gpu.json", describeKind({ env: ["A=1"] }));
    await inject("example.com/gpu=a");
    await assert.rejects(
      inject("old.com/x=a"),
      /unresolvable CDI devices old\.com\/x=a \(.*bad\.json: .*old\.json: cdiVersion/,
    );
  });

  it("change nothing where none is asked for", async () => {
    const before = structuredClone(spec);
    await injectCdi(spec, [], ["/nowhere"]);
    assert.deepEqual(spec, before);
  });
});
