import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Container, Pod } from "../../client/types.ts";
import { noCsi } from "../csi/testing/no-csi.ts";
import { noRemote } from "../remote-volumes/testing/no-remote.ts";
import type { PodTokens } from "../volumes/account-tokens.ts";
import type { PayloadSources } from "../volumes/payload.ts";
import { PodVolumes } from "../volumes/pod-volumes.ts";
import { environmentOf, expandVariables, resourceField } from "./environment.ts";

const meta = {
  name: "p",
  namespace: "n",
  uid: "u",
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
};
const context = {
  nodeIp: "10.0.0.1",
  podIp: "10.1.0.2",
  allocatable: { cpuMillis: 2000, memoryBytes: 2 ** 30, storageBytes: 1 },
};

function scene(container: Partial<Container>, more: Partial<Pod["spec"]> = {}) {
  const own: Container = { name: "c", ...container };
  const pod: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...meta, labels: { app: "w" } },
    spec: { containers: [own], ...more },
  };
  return { pod, own };
}
const data: Record<string, Record<string, string>> = { settings: { a: "1", b: "2" } };
const sources: PayloadSources = {
  configMap: async (_namespace, name) => {
    const found = data[name];
    return (
      found && {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { ...meta, name },
        data: found,
        ...(name === "mixed" && { binaryData: { bytes: "AAE=" } }),
      }
    );
  },
  secret: async () => undefined,
  trustAnchors: async ({ name }) => `anchors of ${name}\n`,
};
const files: Record<string, string> = { "made/env": "A='from a file'\nB=nonsense" };
const fileText = async (volume: string, path: string) => files[`${volume}/${path}`] ?? "";
const environment = async (container: Partial<Container>) => {
  const { pod, own } = scene(container);
  return Object.fromEntries(await environmentOf(pod, own, context, { sources, services: [], fileText }));
};

describe("environmentOf", () => {
  it("passes on keys of config maps that are no C identifiers", async () => {
    data.odd = { "data-1": "x", "1.a": "y" };
    const found = await environment({ envFrom: [{ prefix: "p-", configMapRef: { name: "odd" } }] });
    assert.deepEqual([found["p-data-1"], found["p-1.a"]], ["x", "y"]);
  });

  it("takes variables from files that other containers of the pod wrote", async () => {
    const from = (key: string, optional = false) =>
      environment({
        env: [{ name: "X", valueFrom: { fileKeyRef: { volumeName: "made", path: "env", key, optional } } }],
      });
    assert.equal((await from("A")).X, "from a file");
    await assert.rejects(from("C"), {
      name: "ConfigError",
      message:
        "couldn't parse env file: invalid environment variable format at line 2: value must be enclosed in single quotes",
    });
    files["made/env"] = "A='from a file'";
    await assert.rejects(from("C"), {
      name: "ConfigError",
      message: 'environment variable key "C" not found in file "env" of volume "made"',
    });
    assert.equal((await from("C", true)).X, undefined);
  });

  it("takes nothing of a config map's binaryData", async () => {
    data.mixed = { a: "1" };
    assert.deepEqual(await environment({ envFrom: [{ configMapRef: { name: "mixed" } }] }), { a: "1" });
    const from = (optional: boolean) => ({
      env: [{ name: "X", valueFrom: { configMapKeyRef: { name: "mixed", key: "bytes", optional } } }],
    });
    await assert.rejects(
      environment(from(false)),
      /^ConfigError: couldn't find key bytes in ConfigMap n\/mixed$/,
    );
    assert.deepEqual(await environment(from(true)), {});
  });

  it("takes values from everywhere, later ones over earlier, and expands references to earlier ones", async () => {
    const env = await environment({
      envFrom: [{ prefix: "S_", configMapRef: { name: "settings" } }],
      env: [
        { name: "S_b", value: "own" },
        { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
        { name: "URL", value: "http://$(IP):$(S_a)/$$(IP)/$(LATER)" },
        { name: "LATER", valueFrom: { configMapKeyRef: { name: "settings", key: "a" } } },
        { name: "GONE", valueFrom: { configMapKeyRef: { name: "nowhere", key: "a", optional: true } } },
        { name: "MEM", valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Mi" } } },
        { name: "LABEL", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        { name: "NO_LABEL", valueFrom: { fieldRef: { fieldPath: "metadata.labels['constructor']" } } },
      ],
    });
    const url = "http://10.1.0.2:1/$(IP)/$(LATER)";
    assert.deepEqual(env, {
      S_a: "1",
      S_b: "own",
      IP: "10.1.0.2",
      URL: url,
      LATER: "1",
      MEM: "1024",
      LABEL: "w",
      NO_LABEL: "",
    });
  });
  it("tells a container the pod's limit as a whole where it has none of its own", () => {
    const pod = {
      metadata: {},
      spec: { containers: [], resources: { limits: { cpu: "2", memory: "1Gi" } } },
    };
    const told = (resource: string, limits = {}) =>
      resourceField(
        pod as never,
        { name: "c", resources: { limits } },
        { allocatable: { cpuMillis: 9000, memoryBytes: 9, storageBytes: 9 } } as never,
        { resource },
      );
    assert.deepEqual(
      [told("limits.cpu"), told("limits.memory"), told("limits.ephemeral-storage")],
      ["2", String(2 ** 30), "9"],
    );
    assert.deepEqual([told("limits.cpu", { cpu: "1" }), told("requests.cpu")], ["1", "0"]);
    const pages = "limits.hugepages-2Mi";
    assert.deepEqual([told(pages, { "hugepages-2Mi": "4Mi" }), told(pages)], [String(2 ** 22), "0"]);
  });
  it("names what is missing", async () => {
    const from = (name: string, key: string) => ({
      env: [{ name: "X", valueFrom: { configMapKeyRef: { name, key } } }],
    });
    await assert.rejects(environment(from("nowhere", "a")), /configmap "nowhere" not found/);
    await assert.rejects(environment(from("settings", "z")), /couldn't find key z in ConfigMap n\/settings/);
  });
  it("leaves unknown references as they are", () => {
    assert.equal(expandVariables("$(A)$(B)$$(A)$", new Map([["A", "x"]])), "x$(B)$(A)$");
  });
});

describe("PodVolumes", () => {
  const { signal } = new AbortController();
  let dir: string;
  const claimed = { pathOf: async () => "", forget: () => undefined };
  const tokens: PodTokens = {
    token: async (_, { audience, lifeSeconds }) => `token for ${audience}, ${lifeSeconds} s`,
    forget: () => undefined,
  };
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "pintle-volumes-"));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it("shows a changed config map at once and whole", async () => {
    const volumes = new PodVolumes({
      dir,
      sources,
      tokens,
      claimed,
      csi: noCsi,
      remote: noRemote,
      mountsSubPaths: false,
      recursiveReadOnly: false,
    });
    const { pod } = scene(
      {},
      { volumes: [{ name: "v", configMap: { name: "settings", defaultMode: 0o600 } }] },
    );
    await volumes.prepare(pod, context, signal);
    const folder = join(dir, "u/volumes/v");
    const before = await readlink(join(folder, "..data"));
    assert.equal(await readFile(join(folder, "a"), "utf8"), "1");
    assert.equal((await stat(join(folder, "a"))).mode & 0o777, 0o600);
    await volumes.prepare(pod, context, signal);
    assert.equal(await readlink(join(folder, "..data")), before);
    data.settings = { a: "changed", c: "3" };
    await volumes.prepare(pod, context, signal);
    assert.equal(await readFile(join(folder, "a"), "utf8"), "changed");
    const shown = await readdir(folder);
    assert.deepEqual(shown.filter((name) => !name.startsWith("..")).sort(), ["a", "c"]);
    assert.equal(shown.length, 4, "the old version is gone");
  });

  it("gives a token its path, and to its user or group alone where the pod names one", async function () {
    const volumes = new PodVolumes({
      dir,
      sources,
      tokens,
      claimed,
      csi: noCsi,
      remote: noRemote,
      mountsSubPaths: false,
      recursiveReadOnly: false,
    });
    const projection = { path: "at/token", audience: "vault", expirationSeconds: 700 };
    const shown = async (name: string, more: Partial<Pod["spec"]>) => {
      const volume = { name, projected: { sources: [{ serviceAccountToken: projection }] } };
      const { pod } = scene({}, { volumes: [volume], ...more });
      await volumes.prepare(pod, context, signal);
      const path = join(dir, "u/volumes", name, "at/token");
      assert.equal(await readFile(path, "utf8"), "token for vault, 700 s");
      const { mode, uid, gid } = await stat(path);
      return [mode & 0o777, uid, gid];
    };
    const [mode] = await shown("plain", {});
    assert.equal(mode, 0o644);
    if (process.getuid?.() !== 0) this.skip();
    assert.deepEqual(await shown("user", { securityContext: { runAsUser: 1000 } }), [0o600, 1000, 0]);
    assert.deepEqual(await shown("group", { securityContext: { fsGroup: 2000 } }), [0o640, 0, 2000]);
    const both = { securityContext: { runAsUser: 1000, fsGroup: 2000 } };
    assert.deepEqual(await shown("both", both), [0o640, 1000, 2000]);
    const init = { name: "i", securityContext: { runAsUser: 7 } };
    assert.deepEqual(
      await shown("two", { securityContext: { runAsUser: 1000 }, initContainers: [init] }),
      [0o644, 0, 0],
    );
  });

  it("shows certificates of trust bundles as a file", async () => {
    const volumes = new PodVolumes({
      dir,
      sources,
      tokens,
      claimed,
      csi: noCsi,
      remote: noRemote,
      mountsSubPaths: false,
      recursiveReadOnly: false,
    });
    const projected = { sources: [{ clusterTrustBundle: { name: "plain", path: "at/ca.pem" } }] };
    const { pod } = scene({}, { volumes: [{ name: "trust", projected }] });
    await volumes.prepare(pod, context, signal);
    const path = join(dir, "u/volumes/trust/at/ca.pem");
    assert.equal(await readFile(path, "utf8"), "anchors of plain\n");
    assert.equal((await stat(path)).mode & 0o777, 0o644);
  });

  it("reads text in a pod's own folders, of files that lie there and are no pipes", async () => {
    const volumes = new PodVolumes({
      dir,
      sources,
      tokens,
      claimed,
      csi: noCsi,
      remote: noRemote,
      mountsSubPaths: false,
      recursiveReadOnly: false,
    });
    const { pod } = scene(
      {},
      {
        volumes: [
          { name: "e", emptyDir: {} },
          { name: "h", hostPath: { path: "/" } },
        ],
      },
    );
    await volumes.prepare(pod, context, signal);
    const root = join(dir, "u/volumes/e");
    await writeFile(join(root, "env"), "A='x'");
    await symlink("/etc/passwd", join(root, "link"));
    execFileSync("mkfifo", [join(root, "pipe")]);
    assert.equal(await volumes.textOf(pod, "e", "env"), "A='x'");
    for (const [path, why] of [
      ["absent", /couldn't parse env file: absent cannot be opened: .*does not exist/],
      ["link", /cannot be opened: .*leaves its volume/],
      ["pipe", /pipe is not a file/],
    ] as const)
      await assert.rejects(volumes.textOf(pod, "e", path), why);
    await assert.rejects(volumes.textOf(pod, "h", "etc/passwd"), /cannot find the volume "h"/);
  });

  it("keeps a subPath inside its volume", async () => {
    const volumes = new PodVolumes({
      dir,
      sources,
      tokens,
      claimed,
      csi: noCsi,
      remote: noRemote,
      mountsSubPaths: false,
      recursiveReadOnly: false,
    });
    const mount = (subPath: string) => ({ volumeMounts: [{ name: "e", mountPath: "/e", subPath }] });
    const at = async (subPath: string, volume: object = { emptyDir: {} }) => {
      const { pod, own } = scene(mount(subPath), { volumes: [{ name: "e", ...volume }] });
      await volumes.prepare(pod, context, signal);
      return (await volumes.mountsOf(pod, own, { env: new Map(), imageFolders: new Map(), signal }))[0]
        ?.hostPath;
    };
    const root = join(dir, "u/volumes/e");
    assert.equal(await at("x/y"), join(root, "x/y"));
    const { symlink } = await import("node:fs/promises");
    await symlink("/etc", join(root, "link"));
    await assert.rejects(at("link"), /leaves its volume/);
    await assert.rejects(at("../v"), /leaves its volume/);
    const host = join(dir, "host");
    assert.equal(await at("made", { hostPath: { path: host } }), join(host, "made"));
    assert.ok((await stat(join(host, "made"))).isDirectory());
  });

  it("shows an image where it lies, read-only, or a part of it", async () => {
    const volumes = new PodVolumes({
      dir,
      sources,
      tokens,
      claimed,
      csi: noCsi,
      remote: noRemote,
      mountsSubPaths: false,
      recursiveReadOnly: false,
    });
    const image = join(dir, "image");
    await mkdir(join(image, "part"), { recursive: true });
    const mount = (mountPath: string, subPath?: string) => ({
      name: "v",
      mountPath,
      ...(subPath && { subPath }),
    });
    const { pod, own } = scene(
      { volumeMounts: [mount("/v"), mount("/p", "part")] },
      { volumes: [{ name: "v", image: { reference: "r" } }] },
    );
    await volumes.prepare(pod, context, signal);
    const from = { env: new Map(), imageFolders: new Map([["v", image]]), signal };
    const mounts = await volumes.mountsOf(pod, own, from);
    assert.deepEqual(
      mounts.map(({ hostPath, readOnly }) => [hostPath, readOnly]),
      [
        [image, true],
        [join(image, "part"), true],
      ],
    );
    const absent = scene({ volumeMounts: [mount("/p", "absent")] }, pod.spec);
    await assert.rejects(volumes.mountsOf(pod, absent.own, from), /absent/);
  });
});
