import assert from "node:assert/strict";
import type { KubeObject } from "../../../client/types.ts";
import { pods } from "./pods.ts";

/** A volume of a pod, and what kube-apiserver 1.36.3 fills in. */
const filled: readonly (readonly [kind: string, given: object, more: object])[] = [
  ["image", { reference: "r:1" }, { pullPolicy: "IfNotPresent" }],
  ["image", { reference: "r" }, { pullPolicy: "Always" }],
  ["iscsi", { targetPortal: "1.2.3.4:5", iqn: "iqn.2000-01.a:b", lun: 0 }, { iscsiInterface: "default" }],
  ["rbd", { monitors: ["m"], image: "i" }, { pool: "rbd", user: "admin", keyring: "/etc/ceph/keyring" }],
  [
    "azureDisk",
    { diskName: "d", diskURI: "https://b/d.vhd" },
    { cachingMode: "ReadWrite", fsType: "ext4", readOnly: false, kind: "Shared" },
  ],
  [
    "scaleIO",
    { gateway: "g", system: "s", volumeName: "v", secretRef: { name: "s" } },
    { storageMode: "ThinProvisioned", fsType: "xfs" },
  ],
];

describe("pods' volumes say what Kubernetes fills in where nothing is said:", () => {
  for (const [kind, given, more] of filled)
    it(`${kind} ${JSON.stringify(given)}`, () => {
      const volumes = [{ name: "v", [kind]: given }];
      const spec = { containers: [{ name: "c", image: "i" }], volumes };
      const pod = structuredClone({ apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec });
      pods.applyDefaults(pod as unknown as KubeObject);
      assert.deepEqual(pod.spec.volumes, [{ name: "v", [kind]: { ...given, ...more } }]);
    });
});
