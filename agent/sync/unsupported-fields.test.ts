import { strict as assert } from "node:assert";
import type { Pod } from "../../client/types.ts";
import { unsupportedFields, unsupportedText } from "./unsupported-fields.ts";

const pod = (spec: object) =>
  ({
    metadata: { name: "p", namespace: "d", uid: "u" },
    spec: { containers: [{ name: "c" }], ...spec },
  }) as Pod;
const able = {
  runtimeHandlers: false,
  podResources: false,
  userNamespaces: () => true,
  seLinux: "absent",
} as const;
const names = (spec: object) =>
  unsupportedFields(pod(spec), able).map(({ field, value }) => [
    field,
    ...(value === undefined ? [] : [value]),
  ]);

describe("fields that this node cannot honour are named, by their path", () => {
  for (const [what, spec, named] of [
    ["runtime classes", { runtimeClassName: "gvisor" }, ["spec.runtimeClassName", "gvisor"]],
    ["what a pod may take as a whole", { resources: { limits: { cpu: "1" } } }, ["spec.resources"]],
    ["claims of devices", { resourceClaims: [{ name: "gpu" }] }, ["spec.resourceClaims"]],
    [
      "volumes, by their kind",
      { volumes: [{ name: "v", glusterfs: { endpoints: "e", path: "/" } }] },
      ["spec.volumes[0].glusterfs"],
    ],
    [
      "projected certificates of the pod's own",
      {
        volumes: [
          {
            name: "v",
            projected: {
              sources: [{ secret: {} }, { podCertificate: { signerName: "a.b/c", keyType: "ED25519" } }],
            },
          },
        ],
      },
      ["spec.volumes[0].projected.sources[1].podCertificate"],
    ],
    [
      "media of empty folders that are none",
      { volumes: [{ name: "v", emptyDir: { medium: "HugePages-big" } }] },
      ["spec.volumes[0].emptyDir.medium", "HugePages-big"],
    ],
    [
      "what is asked for by init containers",
      { initContainers: [{ name: "i", securityContext: { procMount: "Unmasked" } }] },
      ["spec.initContainers[0].securityContext.procMount", "Unmasked"],
    ],
  ] as const)
    it(what, () => assert.deepEqual(names(spec), [named]));

  it("claims of devices that a scheduler made for containers", () => {
    const extendedResourceClaimStatus = { requestMappings: [], resourceClaimName: "made" };
    assert.deepEqual(unsupportedFields({ ...pod({}), status: { extendedResourceClaimStatus } }, able), [
      { field: "status.extendedResourceClaimStatus" },
    ]);
  });

  it("and nothing is named that it can honour", () => {
    const volumes = [
      { name: "a", emptyDir: { medium: "Memory" } },
      { name: "h", emptyDir: { medium: "HugePages-2Mi" } },
      { name: "n", nfs: { server: "s", path: "/" } },
      { name: "b", hostPath: { path: "/" } },
      { name: "c", configMap: { name: "m" } },
      { name: "d", secret: { secretName: "s" } },
      { name: "e", downwardAPI: { items: [] } },
      { name: "h", image: { reference: "r" } },
      { name: "g", persistentVolumeClaim: { claimName: "c" } },
      { name: "f", projected: { sources: [{ configMap: {} }, { secret: {} }, { downwardAPI: {} }] } },
    ];
    const initContainers = [{ name: "sidecar", restartPolicy: "Always" }];
    const containers = [{ name: "c", securityContext: { procMount: "Default" } }];
    assert.deepEqual(names({ hostUsers: true, volumes, initContainers, containers }), []);
    const unmasked = [{ name: "c", securityContext: { procMount: "Unmasked" } }];
    assert.deepEqual(names({ hostUsers: false, containers: unmasked }), []);
    const asWhole = pod({ resources: { limits: { cpu: "1" } } });
    assert.deepEqual(unsupportedFields(asWhole, { ...able, podResources: true }), []);
  });

  it("labels of SELinux are named where the kernel would enforce them and nothing here sets them", () => {
    const seLinuxOptions = { level: "s0:c1,c2" };
    const labelled = pod({
      securityContext: { seLinuxOptions },
      containers: [{ name: "a" }, { name: "c", securityContext: { seLinuxOptions } }],
    });
    assert.deepEqual(unsupportedFields(labelled, { ...able, seLinux: "unsupported" }), [
      { field: "spec.securityContext.seLinuxOptions" },
      { field: "spec.containers[1].securityContext.seLinuxOptions" },
    ]);
    for (const seLinux of ["absent", "honoured"] as const)
      assert.deepEqual(unsupportedFields(labelled, { ...able, seLinux }), []);
  });

  it("in one sentence", () => {
    const text = (spec: object) => unsupportedText(unsupportedFields(pod(spec), able));
    assert.equal(text({ runtimeClassName: "a" }), "spec.runtimeClassName: a is not supported by this node");
    assert.equal(
      text({ runtimeClassName: "a", resourceClaims: [{}] }),
      "spec.runtimeClassName: a, spec.resourceClaims are not supported by this node",
    );
  });
});
