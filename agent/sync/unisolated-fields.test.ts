import { strict as assert } from "node:assert";
import type { Pod } from "../../client/types.ts";
import { effectlessText, unisolatedFields } from "./unisolated-fields.ts";

const pod = (securityContext: object, container: object = {}, more: object = {}) =>
  ({
    spec: { securityContext, containers: [{ name: "a" }, { name: "c", ...container }], ...more },
  }) as unknown as Pod;

describe("isolation that a pod asks for where its containers are plain processes", () => {
  it("is named field by field", () => {
    const container = {
      securityContext: {
        privileged: true,
        capabilities: { drop: ["ALL"] },
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        seccompProfile: { type: "RuntimeDefault" },
      },
      resources: { limits: { memory: "1Gi" } },
      volumeMounts: [{ name: "v", mountPath: "/v", readOnly: true }],
    };
    const shared = { sysctls: [{ name: "net.a", value: "1" }], seccompProfile: { type: "RuntimeDefault" } };
    assert.deepEqual(unisolatedFields(pod(shared, container, { hostname: "h", dnsPolicy: "None" }), 0), [
      "spec.dnsPolicy",
      "spec.hostname",
      "spec.securityContext.sysctls",
      "spec.securityContext.seccompProfile",
      "spec.containers[1].securityContext.privileged",
      "spec.containers[1].securityContext.capabilities",
      "spec.containers[1].securityContext.readOnlyRootFilesystem",
      "spec.containers[1].securityContext.allowPrivilegeEscalation",
      "spec.containers[1].securityContext.seccompProfile",
      "spec.containers[1].resources.limits",
      "spec.containers[1].volumeMounts[0].readOnly",
    ]);
  });

  it("is said in one sentence, and so are labels of SELinux where the kernel has none", () => {
    const labelled = pod({ seLinuxOptions: { level: "s0:c1,c2" } }, {}, { hostname: "h" });
    const said = (scheme: string, seLinux: "absent" | "honoured" | "unsupported") =>
      effectlessText(labelled, { scheme, able: { seLinux } }, 0);
    assert.equal(
      said("process", "absent"),
      "pods are plain processes on this node, where these have no effect: spec.hostname, spec.securityContext.seLinuxOptions",
    );
    assert.equal(
      said("crun", "absent"),
      "this node's kernel has no SELinux, so these have no effect: spec.securityContext.seLinuxOptions",
    );
    for (const seLinux of ["honoured", "unsupported"] as const)
      assert.equal(said("crun", seLinux), undefined);
    assert.equal(effectlessText(pod({}), { scheme: "crun", able: { seLinux: "absent" } }, 0), undefined);
  });

  it("leave out what the API server adds to every pod, and nobody asked for", () => {
    const token = { mountPath: "/var/run/secrets/kubernetes.io/serviceaccount", readOnly: true };
    const added = pod({}, { volumeMounts: [{ name: "kube-api-access-x7k2p", ...token }] });
    assert.deepEqual(unisolatedFields(added, 0), []);
    const own = pod({}, { volumeMounts: [{ name: "own", ...token }] });
    assert.deepEqual(unisolatedFields(own, 0), ["spec.containers[1].volumeMounts[0].readOnly"]);
  });

  it("includes users only where the agent cannot change to them", () => {
    const asUser = pod({ runAsUser: 1000, runAsGroup: 7 }, { securityContext: { runAsUser: 2000 } });
    assert.deepEqual(unisolatedFields(asUser, 0), []);
    assert.deepEqual(unisolatedFields(asUser, 1000), [
      "spec.securityContext.runAsGroup",
      "spec.containers[1].securityContext.runAsUser",
    ]);
  });

  it("is nothing where a pod asks for what it has anyway", () => {
    const free = {
      privileged: false,
      seccompProfile: { type: "Unconfined" },
      capabilities: {},
      allowPrivilegeEscalation: true,
    };
    assert.deepEqual(
      unisolatedFields(
        pod({}, { securityContext: free }, { hostNetwork: true, dnsPolicy: "ClusterFirst" }),
        1000,
      ),
      [],
    );
  });
});
