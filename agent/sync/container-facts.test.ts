import { strict as assert } from "node:assert";
import type { Container } from "../../client/types.ts";
import type { RuntimeContainer } from "../runtime/seam.ts";
import { containerFacts } from "./container-facts.ts";

const container = (more: Partial<Container>): Container => ({ name: "c", image: "i", ...more });
const ran = (annotations: Record<string, string> = {}) => ({ annotations }) as unknown as RuntimeContainer;

describe("a container's status tells, beside its state,", () => {
  it("its mounts, and of those only for reading how far that reaches", () => {
    const volumeMounts = [
      { name: "a", mountPath: "/a" },
      { name: "b", mountPath: "/b", readOnly: true },
    ];
    assert.deepEqual(containerFacts(container({ volumeMounts }), undefined, "oci"), {
      volumeMounts: [
        { name: "a", mountPath: "/a" },
        { name: "b", mountPath: "/b", readOnly: true, recursiveReadOnly: "Disabled" },
      ],
    });
  });

  it("what it was given of what it asked for, once it was made", () => {
    const resources = { requests: { cpu: "1" }, limits: { cpu: "2" } };
    assert.deepEqual(containerFacts(container({ resources }), undefined, "oci"), {});
    assert.deepEqual(containerFacts(container({ resources }), ran(), "oci"), {
      resources,
      allocatedResources: { cpu: "1" },
    });
    assert.deepEqual(containerFacts(container({}), ran(), "oci"), { resources: {} });
  });

  it("whom it runs as, where that is up to the pod", () => {
    const made = ran({ user: "[1000,50,[50,60]]" });
    assert.deepEqual(containerFacts(container({}), made, "oci").user, {
      linux: { uid: 1000, gid: 50, supplementalGroups: [50, 60] },
    });
    assert.equal(containerFacts(container({}), made, "process").user, undefined);
  });
});
