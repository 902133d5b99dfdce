import { strict as assert } from "node:assert";
import type { Container, Pod, PodSpec } from "../../client/types.ts";
import { isCritical } from "./critical-pods.ts";
import { excessStorage, type StorageUsage, storageQuestion } from "./local-storage.ts";

const mi = 2 ** 20;
const limited = (name: string, limit: string | undefined, more: Partial<Container> = {}) =>
  ({
    name,
    image: "i",
    ...(limit !== undefined && { resources: { limits: { "ephemeral-storage": limit } } }),
    ...more,
  }) as Container;
const pod = (spec: Partial<PodSpec>, metadata: object = {}) =>
  ({
    metadata: { name: "p", uid: "u", ...metadata },
    spec: { containers: [{ name: "c", image: "i" }], ...spec },
  }) as Pod;
const used = (volumes: Record<string, number>, containers: Record<string, number> = {}): StorageUsage => ({
  volumes: new Map(Object.entries(volumes)),
  containers: new Map(Object.entries(containers)),
});
const folder = (name: string, emptyDir: object) => ({ name, emptyDir });
const scratch = folder("scratch", { sizeLimit: "10Mi" });

describe("local storage limits", () => {
  it("of an empty folder are exceeded by more than its size limit, not by as much", () => {
    const one = pod({ volumes: [scratch] });
    assert.equal(excessStorage(one, used({ scratch: 10 * mi })), undefined);
    assert.equal(
      excessStorage(one, used({ scratch: 10 * mi + 1 })),
      'Usage of EmptyDir volume "scratch" exceeds the limit "10Mi". ',
    );
    const odd = pod({ volumes: [folder("v", { sizeLimit: "0.5Gi" })] });
    assert.match(excessStorage(odd, used({ v: 513 * mi })) ?? "", /exceeds the limit "512Mi"\. $/);
  });

  it("are none where an empty folder's size limit is absent or zero", () => {
    const one = pod({ volumes: [folder("a", {}), folder("b", { sizeLimit: "0" })] });
    assert.equal(excessStorage(one, used({ a: 9e15, b: 9e15 })), undefined);
    assert.equal(storageQuestion(one), undefined);
  });

  it("count a pod's empty folders on disk, its config maps, logs and writable layers together", () => {
    const volumes = [
      folder("disk", {}),
      folder("memory", { medium: "Memory" }),
      { name: "config", configMap: { name: "c" } },
      { name: "secret", secret: { secretName: "s" } },
    ];
    const one = pod({ containers: [limited("a", "10Mi"), limited("b", undefined)], volumes });
    assert.deepEqual(storageQuestion(one), { volumes: ["disk", "config"], containers: true });
    const most = { disk: 4 * mi, config: mi };
    assert.equal(excessStorage(one, used(most, { a: 3 * mi, b: 2 * mi })), undefined);
    const text = "Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. ";
    assert.equal(excessStorage(one, used(most, { a: 3 * mi, b: 2 * mi + 1 })), text);
    assert.equal(
      excessStorage(one, used({ ...most, memory: 99 * mi, secret: 99 * mi }, { a: mi })),
      undefined,
    );
  });

  it("of a pod are those of its containers and sidecars together, or an init container's where that is more", () => {
    const always = { restartPolicy: "Always" };
    const rows: readonly (readonly [Partial<PodSpec>, string])[] = [
      [{ containers: [limited("a", "10Mi"), limited("b", "5M")] }, "15485760"],
      [{ containers: [limited("a", "1Gi")], initContainers: [limited("i", "1.5Gi")] }, "1536Mi"],
      [{ containers: [limited("a", "2Gi")], initContainers: [limited("i", "1.5Gi")] }, "2Gi"],
      [{ containers: [limited("a", "1Gi")], initContainers: [limited("s", "1Gi", always)] }, "2Gi"],
      [
        {
          containers: [limited("a", "1Gi")],
          initContainers: [limited("s", "1Gi", always), limited("i", "3Gi")],
        },
        "4Gi",
      ],
      [{ containers: [limited("a", "1Gi")], overhead: { "ephemeral-storage": "1Gi" } }, "2Gi"],
      [{ containers: [limited("a", "0")], overhead: { "ephemeral-storage": "1Gi" } }, "0"],
    ];
    for (const [spec, limit] of rows)
      assert.equal(
        excessStorage(pod(spec), used({}, { z: 9e15 })),
        `Pod ephemeral local storage usage exceeds the total limit of containers ${limit}. `,
      );
  });

  it("are of each container for its own log and layer, init containers left out", () => {
    const one = pod({
      containers: [limited("a", "10Mi"), limited("b", "90Mi")],
      initContainers: [limited("i", "1Mi")],
    });
    assert.equal(excessStorage(one, used({}, { i: 20 * mi, a: 10 * mi, b: 70 * mi })), undefined);
    assert.equal(
      excessStorage(one, used({}, { i: 20 * mi, a: 10 * mi + 1, b: mi })),
      'Container a exceeded its local ephemeral storage limit "10Mi". ',
    );
  });

  it("are asked folders first, then the pod, then containers", () => {
    const one = pod({ volumes: [scratch], containers: [limited("c", "1Mi")] });
    const all = used({ scratch: 11 * mi }, { c: 12 * mi });
    assert.match(excessStorage(one, all) ?? "", /^Usage of EmptyDir volume "scratch"/);
    assert.match(excessStorage(one, used({}, { c: 12 * mi })) ?? "", /^Pod ephemeral local storage usage/);
  });

  it("bring the measuring of folders that have one, those in memory too, and of nothing else", () => {
    const volumes = [scratch, folder("tmp", { medium: "Memory", sizeLimit: "1Mi" }), folder("free", {})];
    assert.deepEqual(storageQuestion(pod({ volumes })), { volumes: ["scratch", "tmp"], containers: false });
    assert.equal(storageQuestion(pod({ volumes: [folder("free", {})] })), undefined);
    const requests = { requests: { "ephemeral-storage": "1Mi" } };
    assert.equal(storageQuestion(pod({ containers: [{ name: "c", resources: requests }] })), undefined);
  });
});

describe("critical pods", () => {
  it("are those of system priority and the images of static ones", () => {
    assert.equal(isCritical(pod({ priority: 1_999_999_999 })), false);
    assert.equal(isCritical(pod({})), false);
    assert.equal(isCritical(pod({ priority: 2_000_000_000 })), true);
    assert.equal(isCritical(pod({}, { annotations: { "kubernetes.io/config.mirror": "x" } })), true);
  });
});
