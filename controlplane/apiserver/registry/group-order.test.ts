import assert from "node:assert/strict";
import { kinds } from "../resources/table.ts";
import { KindTable } from "./kind-table.ts";

describe("groups of the API", () => {
  it("stand in the order in which kube-apiserver 1.36.3 lists its own, others after them", () => {
    const [first] = kinds;
    assert.ok(first);
    const other = (group: string) => ({ ...first, group, otherForms: [] });
    const table = new KindTable([other("z.example.com"), other("a.example.com"), ...kinds]);
    assert.deepEqual(
      [...table.groups().keys()].filter((group) => group !== ""),
      [
        "apiregistration.k8s.io",
        "apps",
        "events.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "networking.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "storage.k8s.io",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "scheduling.k8s.io",
        "coordination.k8s.io",
        "node.k8s.io",
        "discovery.k8s.io",
        "resource.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "z.example.com",
        "a.example.com",
      ],
    );
  });
});
