import assert from "node:assert/strict";
import type { KubeObject } from "../../../client/types.ts";
import { pods } from "../resources/pods.ts";
import { serverRequester } from "./registry-deps.ts";
import { markedForDeletion } from "./remove-object.ts";

const atMs = Date.parse("2026-01-01T00:00:00Z");

/** A deletion so many seconds after the first, with the grace asked for. */
function deleted(object: KubeObject, graceSeconds?: number, afterSeconds = 0): KubeObject {
  return markedForDeletion(pods, object, {
    by: serverRequester,
    dryRun: false,
    nowMs: atMs + afterSeconds * 1000,
    ...(graceSeconds !== undefined && { gracePeriodSeconds: graceSeconds }),
  });
}

function pod(terminationGracePeriodSeconds: number, { nodeName = "n", phase = "Running" } = {}): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "p",
      namespace: "d",
      uid: "u",
      resourceVersion: "1",
      creationTimestamp: "",
      generation: 1,
    },
    spec: { containers: [], terminationGracePeriodSeconds, nodeName },
    status: { phase },
  } as unknown as KubeObject;
}

const graceOf = ({ metadata }: KubeObject) => metadata.deletionGracePeriodSeconds;

describe("the grace of a deletion", () => {
  it("is the pod's own, or the one asked for, also where the pod has none", () => {
    assert.equal(graceOf(deleted(pod(30))), 30);
    assert.equal(graceOf(deleted(pod(30), 5)), 5);
    assert.equal(graceOf(deleted(pod(0))), 0);
    assert.equal(graceOf(deleted(pod(30), -5)), 1);
    const marked = deleted(pod(0), 60);
    assert.deepEqual(
      [graceOf(marked), marked.metadata.deletionTimestamp, marked.metadata.generation],
      [60, "2026-01-01T00:01:00Z", 2],
    );
  });

  it("is none for what runs nowhere or runs no more", () => {
    assert.equal(graceOf(deleted(pod(30, { nodeName: "" }), 60)), 0);
    for (const phase of ["Succeeded", "Failed"]) assert.equal(graceOf(deleted(pod(30, { phase }), 60)), 0);
  });

  it("is shortened by who asks for less, and by nothing else", () => {
    const first = deleted(pod(30), 60);
    assert.deepEqual(deleted(first, undefined, 1), first);
    assert.deepEqual(deleted(first, 60, 1), first);
    const sooner = deleted(first, 10, 1);
    assert.deepEqual([graceOf(sooner), sooner.metadata.deletionTimestamp], [10, "2026-01-01T00:00:10Z"]);
    assert.equal(sooner.metadata.generation, 2);
  });

  it("that is over by the time it is asked for leaves the end to the node", () => {
    const first = deleted(pod(30));
    const late = deleted(first, 5, 20);
    assert.deepEqual([graceOf(late), late.metadata.deletionTimestamp], [1, "2026-01-01T00:00:20Z"]);
    assert.equal(graceOf(deleted(first, 0, 20)), 0);
  });
});
