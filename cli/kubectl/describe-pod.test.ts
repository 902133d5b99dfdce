import assert from "node:assert/strict";
import type { ContainerStatus, Pod } from "../../client/types.ts";
import { podPage } from "./describe-pod.ts";
import { pageText } from "./page.ts";

type ContainerState = NonNullable<ContainerStatus["state"]>;

const described = (state: ContainerState, lastState?: ContainerState, more: Partial<Pod["spec"]> = {}) => {
  const status = {
    name: "main",
    image: "web",
    imageID: "",
    ready: false,
    restartCount: 0,
    state,
    ...(lastState && { lastState }),
  };
  const pod: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "p",
      namespace: "n",
      uid: "u",
      resourceVersion: "1",
      creationTimestamp: "2026-01-01T00:00:00Z",
    },
    spec: { containers: [{ name: "main", image: "web" }], ...more },
    status: { containerStatuses: [status], ephemeralContainerStatuses: [{ ...status, name: "debugger" }] },
  };
  return pageText(podPage(pod)).replaceAll(/ +/g, " ");
};

describe("cli/kubectl/describe-pod", () => {
  it("shows why a container waits, in every line of the message", () => {
    const waiting = { reason: "ErrImagePull", message: 'failed to pull image "web": no route\nto host' };
    assert.match(
      described({ waiting }),
      /State: Waiting\n Reason: ErrImagePull\n Message: failed to pull image "web": no route\n to host\n Ready: False/,
    );
    assert.match(described({ waiting: {} }), /State: Waiting\n Ready: False/);
  });

  it("shows of an ended container its reason, message, exit code, signal and times", () => {
    const terminated = {
      exitCode: 137,
      signal: 9,
      reason: "Error",
      message: "the last words",
      startedAt: "2026-01-02T03:04:05Z",
      finishedAt: "2026-11-28T23:00:00Z",
    };
    const lines = [
      "Terminated",
      " Reason: Error",
      " Message: the last words",
      " Exit Code: 137",
      " Signal: 9",
      " Started: Fri, 02 Jan 2026 03:04:05 +0000",
      " Finished: Sat, 28 Nov 2026 23:00:00 +0000",
      "",
    ].join("\n");
    assert.ok(described({ terminated }).includes(` State: ${lines}`));
    const running = described({ running: { startedAt: terminated.startedAt } }, { terminated });
    assert.ok(running.includes(" State: Running\n Started: Fri, 02 Jan 2026 03:04:05 +0000\n"));
    assert.ok(running.includes(` Last State: ${lines}`));
    const plain = described({ terminated: { exitCode: 0 } });
    assert.match(plain, /State: Terminated\n Exit Code: 0\n Started: <none>\n Finished: <none>\n/);
  });

  it("shows ephemeral containers with their state", () => {
    const page = described({ waiting: { reason: "PodInitializing" } }, undefined, {
      ephemeralContainers: [{ name: "debugger", image: "tools" }],
    });
    assert.match(page, /Ephemeral Containers:\n debugger:\n .* Image: tools\n .*Reason: PodInitializing/s);
    assert.doesNotMatch(described({ waiting: {} }), /Ephemeral/);
  });
});
