import { strict as assert } from "node:assert";
import type { Pod } from "../../client/types.ts";
import { unisolatedFields } from "./unisolated-fields.ts";

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
