import assert from "node:assert/strict";
import { rootType } from "./load.ts";
import { recordUpdate } from "./managed-update.ts";

const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease" };

function heldBy(holderIdentity: string, renewTime: string) {
  const metadata = {
    name: "one",
    namespace: "default",
    uid: "u",
    resourceVersion: "1",
    creationTimestamp: "",
  };
  return { ...lease, metadata: { ...metadata }, spec: { holderIdentity, renewTime } };
}

type Held = ReturnType<typeof heldBy>;

function written(manager: string, next: Held, current?: Held, now = "at noon") {
  const type = rootType(lease);
  recordUpdate(type, { current, next, manager, subresource: "", resets: [], now });
  return next;
}

const entriesOf = ({ metadata }: { readonly metadata: object }) =>
  ("managedFields" in metadata ? metadata.managedFields : []) as readonly {
    readonly manager: string;
    readonly time: string;
    readonly fieldsV1: object;
  }[];

describe("the record of who set what", () => {
  it("keeps the tree of a manager who sets again what was its own, with another time", () => {
    const first = written("kubelet", heldBy("a", "2026-01-01T00:00:00.000000Z"));
    const [before] = entriesOf(first);
    const second = written("kubelet", heldBy("a", "2026-01-01T00:00:10.000000Z"), first, "at one");
    const [after] = entriesOf(second);
    assert.equal(after?.fieldsV1, before?.fieldsV1);
    assert.equal(after?.time, "at one");
  });

  it("gives a field to whoever changed it last, and leaves the others' trees without it", () => {
    const first = written("kubelet", heldBy("a", "2026-01-01T00:00:00.000000Z"));
    const second = written("thief", heldBy("b", "2026-01-01T00:00:00.000000Z"), first);
    assert.deepEqual(
      entriesOf(second).map(({ manager, fieldsV1 }) => [manager, fieldsV1]),
      [
        ["kubelet", { "f:spec": { "f:renewTime": {} } }],
        ["thief", { "f:spec": { "f:holderIdentity": {} } }],
      ],
    );
  });
});
