import { strict as assert } from "node:assert";
import { resources } from "../resources.ts";
import { FakeApi } from "./fake-api.ts";

const ref = { namespace: "n", name: "p" };

describe("FakeApi", () => {
  it("merges strategic patches as the schema says: by key, whole, or by directive", async () => {
    const api = new FakeApi();
    const status = {
      conditions: [
        { type: "A", status: "True", reason: "r" },
        { type: "B", status: "True" },
      ],
      podIPs: [{ ip: "10.0.0.1" }],
      hostIPs: [{ ip: "10.0.0.1" }],
      containerStatuses: [{ name: "a" }, { name: "b" }],
    };
    await api.create(resources.pods, { metadata: ref, spec: { containers: [] }, status } as never);
    const patch = {
      conditions: [
        { type: "A", status: "False", reason: null },
        { type: "B", $patch: "delete" },
        { type: "C", status: "True" },
      ],
      podIPs: [{ ip: "10.0.0.2" }],
      hostIPs: [{ $patch: "replace" }, { ip: "10.0.0.2" }],
      containerStatuses: [{ name: "b" }],
    };
    const pod = await api.patch(
      resources.pods,
      ref,
      { status: patch },
      { type: "strategic", subresource: "status" },
    );
    assert.deepEqual(pod.status, {
      conditions: [
        { type: "A", status: "False" },
        { type: "C", status: "True" },
      ],
      podIPs: [{ ip: "10.0.0.2" }, { ip: "10.0.0.1" }],
      hostIPs: [{ ip: "10.0.0.2" }],
      containerStatuses: [{ name: "b" }],
    });
  });

  it("refuses a patch for an object of another uid", async () => {
    const api = new FakeApi();
    await api.create(resources.pods, { metadata: { ...ref, uid: "u" }, spec: { containers: [] } } as never);
    for (const type of ["merge", "strategic"] as const)
      await assert.rejects(
        api.patch(
          resources.pods,
          ref,
          { metadata: { uid: "v" }, status: {} },
          { type, subresource: "status" },
        ),
        /Pod "p" is invalid: metadata.uid: Invalid value: "v": field is immutable/,
      );
  });
});
