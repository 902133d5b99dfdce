import assert from "node:assert/strict";
import { kinds } from "../resources/table.ts";
import { selectedField } from "./field-labels.ts";
import { KindTable } from "./kind-table.ts";

/** What a kube-apiserver 1.36.3 answered when each of these was asked for of each kind, and when "a" was. */
const labels =
  "metadata.name metadata.namespace metadata.uid metadata.labels spec.nodeName spec.driver spec.host spec.restartPolicy spec.schedulerName spec.serviceAccountName spec.hostNetwork spec.unschedulable spec.clusterIP spec.type spec.signerName status.phase status.podIP status.podIPs status.nominatedNodeName status.replicas status.successful type reason source reportingComponent reportingController involvedObject.kind involvedObject.namespace involvedObject.name involvedObject.uid involvedObject.apiVersion involvedObject.resourceVersion involvedObject.fieldPath regarding.kind regarding.namespace regarding.name regarding.uid regarding.apiVersion regarding.resourceVersion regarding.fieldPath".split(
    " ",
  );
const recorded: Record<string, { accepted: string[]; refusal: string }> = {
  "v1/events": {
    accepted:
      "metadata.name metadata.namespace type reason source reportingComponent involvedObject.kind involvedObject.namespace involvedObject.name involvedObject.uid involvedObject.apiVersion involvedObject.resourceVersion involvedObject.fieldPath".split(
        " ",
      ),
    refusal: "field label not supported: a",
  },
  "v1/namespaces": {
    accepted: "metadata.name status.phase".split(" "),
    refusal: "field label not supported: a",
  },
  "v1/nodes": {
    accepted: "metadata.name spec.unschedulable".split(" "),
    refusal: "field label not supported: a",
  },
  "v1/pods": {
    accepted:
      "metadata.name metadata.namespace spec.nodeName spec.host spec.restartPolicy spec.schedulerName spec.serviceAccountName spec.hostNetwork status.phase status.podIP status.podIPs status.nominatedNodeName".split(
        " ",
      ),
    refusal: "field label not supported: a",
  },
  "v1/replicationcontrollers": {
    accepted: "metadata.name metadata.namespace status.replicas".split(" "),
    refusal: "field label not supported: a",
  },
  "v1/secrets": {
    accepted: "metadata.name metadata.namespace type".split(" "),
    refusal: "field label not supported: a",
  },
  "v1/services": {
    accepted: "metadata.name metadata.namespace spec.clusterIP spec.type".split(" "),
    refusal: "field label not supported: a",
  },
  "events.k8s.io/v1/events": {
    accepted:
      "metadata.name metadata.namespace type reason reportingController regarding.kind regarding.namespace regarding.name regarding.uid regarding.apiVersion regarding.resourceVersion regarding.fieldPath".split(
        " ",
      ),
    refusal: "field label not supported: a",
  },
  "certificates.k8s.io/v1/certificatesigningrequests": {
    accepted: ["metadata.name", "spec.signerName"],
    refusal: "field label not supported: a",
  },
  "resource.k8s.io/v1/resourceslices": {
    accepted: ["metadata.name", "spec.nodeName", "spec.driver"],
    refusal: "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: a",
  },
  "batch/v1/jobs": {
    accepted: "metadata.name metadata.namespace status.successful".split(" "),
    refusal: 'field label "a" not supported for Job',
  },
};
const others = {
  accepted: ["metadata.name", "metadata.namespace"],
  refusal: '"a" is not a known field selector: only "metadata.name", "metadata.namespace"',
};

describe("the fields that each kind can be selected by", () => {
  for (const served of new KindTable(kinds).served) {
    const name = `${served.apiVersion}/${served.plural}`;
    const { accepted, refusal } = recorded[name] ?? others;
    it(`are Kubernetes' for ${name}: ${accepted.join(", ")}`, () => {
      const isAccepted = (label: string) => {
        try {
          selectedField(served, label);
          return true;
        } catch {
          return false;
        }
      };
      assert.deepEqual(labels.filter(isAccepted), accepted);
      assert.throws(() => selectedField(served, "a"), { code: 400, reason: "BadRequest", message: refusal });
    });
  }

  it("are one more for volumes, by which a node finds those that are its folders", () => {
    const table = new KindTable(kinds);
    const [volumes, claims] = ["persistentvolumes", "persistentvolumeclaims"].map((plural) =>
      table.byResource("", "v1", plural),
    );
    assert.ok(volumes && claims);
    const field = "pintle.dev/local-path-node";
    assert.equal(selectedField(volumes, field), field);
    assert.throws(() => selectedField(claims, field), { code: 400 });
  });

  it("are looked up under the name that the stored object has for them", () => {
    const served = new KindTable(kinds).byResource("events.k8s.io", "v1", "events");
    assert.ok(served);
    assert.equal(selectedField(served, "regarding.name"), "involvedObject.name");
    assert.equal(selectedField(served, "reportingController"), "reportingComponent");
    const pods = new KindTable(kinds).byResource("", "v1", "pods");
    assert.ok(pods);
    assert.equal(selectedField(pods, "spec.host"), "spec.nodeName");
  });
});
