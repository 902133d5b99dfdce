import { strict as assert } from "node:assert";
import type { Container } from "../../client/types.ts";
import type { RuntimeContainer } from "../runtime/seam.ts";
import { containerFacts } from "./container-facts.ts";

const container = (more: Partial<Container>): Container => ({ name: "c", image: "i", ...more });
const ran = (annotations: Record<string, string> = {}) => ({ annotations }) as unknown as RuntimeContainer;

it("a container's status tells the signal that the pod names for its end", () => {
  const stopSignal = (annotations: Record<string, string>) =>
    containerFacts(container({}), ran(annotations), oci).stopSignal;
  assert.deepEqual([stopSignal({ stopSignal: "SIGUSR1" }), stopSignal({})], ["SIGUSR1", undefined]);
});

const oci = { scheme: "oci", recursiveReadOnly: true };

describe("a container's status tells, beside its state,", () => {
  it("its mounts, and of those only for reading how far that reaches", () => {
    const volumeMounts = [
      { name: "a", mountPath: "/a" },
      { name: "b", mountPath: "/b", readOnly: true },
      { name: "c", mountPath: "/c", readOnly: true, recursiveReadOnly: "IfPossible" },
      { name: "d", mountPath: "/d", readOnly: true, recursiveReadOnly: "Enabled" },
    ];
    const shown = (able: boolean) =>
      containerFacts(container({ volumeMounts }), undefined, { scheme: "oci", recursiveReadOnly: able });
    const read = (name: string, recursiveReadOnly: string) => ({
      name,
      mountPath: `/${name}`,
      readOnly: true,
      recursiveReadOnly,
    });
    const first = { name: "a", mountPath: "/a" };
    assert.deepEqual(shown(true).volumeMounts, [
      first,
      read("b", "Disabled"),
      read("c", "Enabled"),
      read("d", "Enabled"),
    ]);
    assert.deepEqual(shown(false).volumeMounts, [
      first,
      read("b", "Disabled"),
      read("c", "Disabled"),
      read("d", "Disabled"),
    ]);
  });

  it("what it was given of what it asked for, once it was made", () => {
    const resources = { requests: { cpu: "1" }, limits: { cpu: "2" } };
    assert.deepEqual(containerFacts(container({ resources }), undefined, oci), {});
    assert.deepEqual(containerFacts(container({ resources }), ran(), oci), {
      resources,
      allocatedResources: { cpu: "1" },
    });
    assert.deepEqual(containerFacts(container({}), ran(), oci), { resources: {} });
  });

  it("whom it runs as, where that is up to the pod", () => {
    const made = ran({ user: "[1000,50,[50,60]]" });
    assert.deepEqual(containerFacts(container({}), made, oci).user, {
      linux: { uid: 1000, gid: 50, supplementalGroups: [50, 60] },
    });
    assert.equal(
      containerFacts(container({}), made, { scheme: "process", recursiveReadOnly: false }).user,
      undefined,
    );
  });
});
