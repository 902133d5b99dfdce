import { strict as assert } from "node:assert";
import type { Container, Pod } from "../../client/types.ts";
import { appArmorChoiceOf, seccompChoiceOf, wantsAppArmor } from "./security-profiles.ts";

const podWith = (securityContext?: object) =>
  ({ metadata: {}, spec: { securityContext, containers: [] } }) as unknown as Pod;
const containerWith = (securityContext?: object) => ({ name: "c", securityContext }) as Container;
const runtimeDefault = { seccompProfile: { type: "RuntimeDefault" } };
const local = { seccompProfile: { type: "Localhost", localhostProfile: "a/b.json" } };
const unconfined = { seccompProfile: { type: "Unconfined" } };

describe("seccompProfile of a container", () => {
  it("is its own, else its pod's, else none", () => {
    const none = { type: "Unconfined" };
    assert.deepEqual(seccompChoiceOf(podWith(), containerWith()), none);
    assert.deepEqual(seccompChoiceOf(podWith(runtimeDefault), containerWith({})), { type: "RuntimeDefault" });
    assert.deepEqual(seccompChoiceOf(podWith(runtimeDefault), containerWith(unconfined)), none);
    assert.deepEqual(seccompChoiceOf(podWith(runtimeDefault), containerWith(local)), {
      type: "Localhost",
      path: "a/b.json",
    });
  });

  it("is none for a privileged one, whatever is asked for", () => {
    const privileged = { privileged: true, ...runtimeDefault };
    assert.deepEqual(seccompChoiceOf(podWith(local), containerWith(privileged)), { type: "Unconfined" });
  });

  it("must name a file when it is the node's own", () => {
    const bare = containerWith({ seccompProfile: { type: "Localhost" } });
    assert.throws(
      () => seccompChoiceOf(podWith(), bare),
      /localhostProfile must be set if seccompProfile type/,
    );
  });
});

describe("appArmorProfile of a container", () => {
  const runtimeDefault = { appArmorProfile: { type: "RuntimeDefault" } };
  const local = { appArmorProfile: { type: "Localhost", localhostProfile: "mine" } };
  const annotated = (value: string) => {
    const annotations = { "container.apparmor.security.beta.kubernetes.io/c": value };
    return { ...podWith(runtimeDefault), metadata: { annotations } } as unknown as Pod;
  };

  it("is its own, else that of the old annotation, else its pod's, else none", () => {
    assert.deepEqual(appArmorChoiceOf(podWith(), containerWith()), { type: "Unconfined" });
    assert.deepEqual(appArmorChoiceOf(podWith(runtimeDefault), containerWith()), { type: "RuntimeDefault" });
    assert.deepEqual(appArmorChoiceOf(podWith(runtimeDefault), containerWith(local)), {
      type: "Localhost",
      profile: "mine",
    });
    assert.deepEqual(appArmorChoiceOf(annotated("localhost/old"), containerWith()), {
      type: "Localhost",
      profile: "old",
    });
    assert.deepEqual(appArmorChoiceOf(annotated("unconfined"), containerWith()), { type: "Unconfined" });
    assert.throws(
      () => appArmorChoiceOf(annotated("localhost/"), containerWith()),
      /missing localhost apparmor/,
    );
  });

  it("makes the pod want AppArmor wherever it stands", () => {
    assert.ok(!wantsAppArmor(podWith({ appArmorProfile: { type: "Unconfined" } })));
    assert.ok(wantsAppArmor(podWith(runtimeDefault)));
    assert.ok(wantsAppArmor({ ...annotated("runtime/default"), spec: { containers: [] } } as unknown as Pod));
    const debug = { containers: [], ephemeralContainers: [containerWith(local)] };
    assert.ok(wantsAppArmor({ metadata: {}, spec: debug } as unknown as Pod));
  });
});
