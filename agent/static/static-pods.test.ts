import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { podOfManifest } from "../../controlplane/apiserver/pod-manifest.ts";
import { manifestLimits, readManifests } from "./manifest-files.ts";

describe("files of static pods", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "pintle-manifests-"));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const read = () => readManifests(dir, { nodeName: "n1", read: podOfManifest });
  const write = (name: string, text: string) => writeFile(join(dir, name), text);
  const manifest = (spec = "", metadata = "") =>
    `{apiVersion: v1, kind: Pod, metadata: {name: web${metadata}}, spec: {containers: [{name: c, image: i}]${spec}}}`;
  const only = async () => {
    const [one, ...more] = await read();
    assert.ok(one !== undefined && more.length === 0, "one file");
    return "pod" in one ? one.pod : assert.fail(one.problem);
  };
  const problem = async () => {
    const [one] = await read();
    return one !== undefined && "problem" in one ? one.problem : assert.fail("it was taken");
  };

  it("become pods of this node, with the server's defaults", async () => {
    await write("web.yaml", `# mine\n---\n${manifest("", ", labels: {app: web}")}\n---\n# no more\n`);
    const { metadata, spec } = await only();
    assert.deepEqual(
      [metadata.name, metadata.namespace, metadata.labels],
      ["web-n1", "default", { app: "web" }],
    );
    assert.match(metadata.uid, /^[0-9a-f]{32}$/);
    assert.equal(metadata.annotations?.["kubernetes.io/config.source"], "file");
    assert.equal(metadata.annotations?.["kubernetes.io/config.mirror"], metadata.uid);
    assert.deepEqual(
      [spec.nodeName, spec.restartPolicy, spec.terminationGracePeriodSeconds],
      ["n1", "Always", 30],
    );
    assert.deepEqual(spec.tolerations, [{ operator: "Exists", effect: "NoExecute" }]);
  });

  it("are the same pod as long as they say the same, and another as soon as they do not", async () => {
    await write("web.yaml", manifest());
    const first = await only();
    await write("web.yaml", `\n${manifest()} # still\n`);
    assert.equal((await only()).metadata.uid, first.metadata.uid);
    await write("web.yaml", manifest(", hostNetwork: true"));
    assert.notEqual((await only()).metadata.uid, first.metadata.uid);
  });

  it("are read in the order of their names, but for hidden ones and folders; the first has a name", async () => {
    await write("b.yaml", manifest());
    await write("a.yaml", manifest());
    await write(".c.yaml", "{");
    await mkdir(join(dir, "d"));
    const told = (await read()).map((one) => ("pod" in one ? "pod" : one.problem));
    assert.deepEqual(told, ["pod", `pod default/web-n1 is that of ${join(dir, "a.yaml")} already`]);
  });

  it("are none where there is no such folder", async () => {
    await rm(dir, { recursive: true });
    assert.deepEqual(await read(), []);
  });

  for (const [what, text, wanted] of [
    ["no YAML", "{", /yaml/i],
    ["another kind", "{apiVersion: v1, kind: ConfigMap}", /not an object of apiVersion v1 and kind Pod/],
    ["two documents", `${manifest()}\n---\n${manifest()}`, /more than one document/],
    ["an unknown field", manifest(", contaners: []"), /unknown field "spec.contaners"/],
    ["a field that stands twice", manifest(", hostPID: true, hostPID: false"), /hostPID/],
    ["a field of another type", manifest(", hostNetwork: 3"), /hostNetwork/],
    [
      "what the server's rules refuse",
      manifest(", restartPolicy: Sometimes"),
      /spec.restartPolicy: Unsupported value/,
    ],
    ["a name that is none", manifest().replace("web", "We_b"), /metadata.name: Invalid value: "We_b-n1"/],
    ["no name", manifest().replace("name: web", "labels: {}"), /metadata.name is needed/],
    ["a uid", manifest("", ", uid: ../../x"), /metadata.uid is not a file's to set/],
    ["a finalizer", manifest("", ", finalizers: [a/b]"), /metadata.finalizers is not a file's to set/],
    [
      "an owner",
      manifest("", ", ownerReferences: [{apiVersion: v1, kind: Node, name: n1, uid: u1}]"),
      /ownerReferences is not/,
    ],
    [
      "a mirror's annotation",
      manifest("", ", annotations: {kubernetes.io/config.mirror: x}"),
      /config.mirror\] is not a file's/,
    ],
    ["another node", manifest(", nodeName: n2"), /spec.nodeName: n2 is another node/],
    ["an account", manifest(", serviceAccountName: root"), /static pods may not reference serviceaccounts/],
    [
      "a secret",
      manifest(", volumes: [{name: s, secret: {secretName: s}}]"),
      /static pods may not reference secrets/,
    ],
    [
      "a claim",
      manifest(", volumes: [{name: s, persistentVolumeClaim: {claimName: s}}]"),
      /may not reference persistentvolumeclaims/,
    ],
    ["bytes that are no text", "\u0000", /./],
  ] as const)
    it(`are refused by name for ${what}`, async () => {
      await write("web.yaml", text);
      assert.match(await problem(), wanted);
    });

  it("are not read where they are pipes or larger than may be", async () => {
    await promisify(execFile)("mkfifo", [join(dir, "a")]);
    await write("b", " ".repeat(manifestLimits.fileBytesMax + 1));
    const told = (await read()).map((one) => ("problem" in one ? one.problem : "pod"));
    assert.deepEqual(told, [
      "it is not a regular file",
      `it is larger than ${manifestLimits.fileBytesMax} bytes`,
    ]);
  });
});
