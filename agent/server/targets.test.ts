import assert from "node:assert/strict";
import type { Pod } from "../../client/types.ts";
import type { ContainerState, RuntimeContainer } from "../runtime/seam.ts";
import { askedOf, logTarget, sessionTarget } from "./targets.ts";

const asked = { namespace: "ns", pod: "x", container: "m" };
const pod = (reason?: string, spec: object = {}): Pod =>
  ({
    metadata: { namespace: "ns", name: "x" },
    spec: { containers: [{ name: "m" }], ...spec },
    status:
      reason === undefined ? {} : { containerStatuses: [{ name: "m", state: { waiting: { reason } } }] },
  }) as unknown as Pod;
const run = (attempt: number, phase: ContainerState["phase"]): RuntimeContainer =>
  ({
    pod: { namespace: "ns", name: "x", uid: "u" },
    name: "m",
    attempt,
    createdAtMs: attempt,
    state: { phase },
  }) as unknown as RuntimeContainer;
const logs = (pods: readonly Pod[], containers: readonly RuntimeContainer[], previous = false) => {
  const found = logTarget(asked, previous, { pods, containers });
  return "missing" in found ? `${found.code} ${found.missing}` : found.container.attempt;
};

describe("logs of", () => {
  it("a waiting container are refused with what it waits for", () => {
    const text = '400 container "m" in pod "x" is waiting to start: ';
    assert.equal(logs([pod("ContainerCreating")], []), `${text}ContainerCreating`);
    assert.equal(logs([pod("CreateContainerConfigError")], []), `${text}CreateContainerConfigError`);
    assert.equal(logs([pod("ErrImagePull")], []), `${text}image can't be pulled`);
    assert.equal(logs([pod("ImagePullBackOff")], []), `${text}trying and failing to pull image`);
    assert.equal(logs([pod()], [run(0, "created")]), `${text}ContainerCreating`, "before the first report");
    assert.equal(logs([pod(undefined, { initContainers: [{ name: "i" }] })], []), `${text}PodInitializing`);
  });
  it("the run before are refused where there was none", () => {
    const text = '400 previous terminated container "m" in pod "x" not found';
    assert.equal(logs([pod()], [run(0, "running")], true), text);
    assert.equal(logs([pod()], [], true), text);
    assert.equal(logs([pod()], [run(0, "exited"), run(1, "running")], true), 0);
  });
  it("a container that waits for its next run are those of its last", () => {
    assert.equal(logs([pod("CrashLoopBackOff")], [run(0, "exited"), run(1, "created")]), 0);
  });
  it("what is not here are refused", () => {
    assert.equal(logs([], []), '404 pod "x" does not exist');
    assert.equal(
      logs([pod(undefined, { containers: [{ name: "other" }] })], []),
      '404 container "m" not found in pod "x"',
    );
  });
});

describe("sessions", () => {
  const session = (verb: "exec" | "attach", containers: readonly RuntimeContainer[], pods = [pod()]) => {
    const found = sessionTarget(verb, asked, { pods, containers });
    return "missing" in found ? `${found.code} ${found.missing}` : found.container.attempt;
  };
  it("run only in a running container, and say so in the kubelet's words", () => {
    assert.equal(session("exec", [run(0, "exited"), run(1, "running")]), 1);
    assert.equal(session("exec", [run(0, "exited")]), '500 container not found ("m")');
    assert.equal(session("exec", []), '500 container not found ("m")');
    assert.equal(session("attach", []), "500 container m not found in pod x_ns");
    assert.equal(session("exec", [], []), "404 pod does not exist");
  });
  it("join what a container said that has ended, but not one that never ran", () => {
    assert.equal(session("attach", [run(0, "exited")]), 0);
    const never = run(0, "exited");
    const state = { ...never.state, reason: "StartError" };
    assert.equal(
      session("attach", [{ ...never, state } as RuntimeContainer]),
      "500 container m not found in pod x_ns",
    );
  });
  it("are at four-part paths", () => {
    assert.deepEqual(askedOf("/exec/ns/x/m"), { verb: "exec", ...asked });
    for (const path of ["/exec/ns/x", "/exec/ns/x/m/more", "/exec//x/m", "/"])
      assert.equal(askedOf(path), undefined);
  });
});
