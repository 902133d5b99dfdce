import { strict as assert } from "node:assert";
import type { Container, Pod } from "../../client/types.ts";
import { seccompChoiceOf } from "./security-profiles.ts";

const podWith = (securityContext?: object) =>
  ({ spec: { securityContext, containers: [] } }) as unknown as Pod;
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
