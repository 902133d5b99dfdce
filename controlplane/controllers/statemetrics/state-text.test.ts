import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeObject } from "../../../client/types.ts";
import { type AllowLists, nothingAllowed } from "./allow-lists.ts";
import { amountOf, amountSeries, wholeAmount } from "./amounts.ts";
import { headerText, kindText, objectText } from "./state-text.ts";
import { stateKinds } from "./table.ts";

const testdata = (name: string) => readFileSync(join(import.meta.dirname, "testdata", name), "utf8");

const kindOf = (kind: string) => {
  const found = [...stateKinds.values()].find(({ resource }) => resource.kind === kind);
  assert.ok(found, `no series of ${kind}`);
  return found;
};

const all: AllowLists = { labels: new Map([["*", ["*"]]]), annotations: new Map([["*", ["*"]]]) };

/** Labels in the order of their names: Prometheus does not care for it. */
const sorted = (text: string) =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .sort();

const podOf = (pod: object): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "a",
    namespace: "n",
    uid: "u",
    resourceVersion: "7",
    creationTimestamp: "2026-11-30T10:00:00Z",
  },
  spec: { containers: [] },
  ...pod,
});

const linesOf = (object: KubeObject, allowed = nothingAllowed) =>
  objectText(kindOf(object.kind), object, allowed).join("");

describe("controllers/statemetrics", () => {
  it("makes of objects the very series that kube-state-metrics made of them", () => {
    const objects = JSON.parse(testdata("objects.json")) as readonly KubeObject[];
    const lines = objects.map((object) => linesOf(object, all));
    assert.deepEqual(sorted(lines.join("")), sorted(testdata("series.txt")));
  });

  it("tells of a family's name, help and type once, before its series", () => {
    const kind = kindOf("Namespace");
    const texts = ["a", "b"].map((name) => {
      const metadata = { name, uid: "u", resourceVersion: "1", creationTimestamp: "2026-11-30T10:00:00Z" };
      return objectText(kind, { metadata }, nothingAllowed);
    });
    const text = [...kindText(kind, texts)].join("");
    assert.ok(
      text.startsWith(
        `${[
          "# HELP kube_namespace_created [STABLE] Unix creation timestamp",
          "# TYPE kube_namespace_created gauge",
          'kube_namespace_created{namespace="a"} 1796032800',
          'kube_namespace_created{namespace="b"} 1796032800',
        ].join("\n")}\n`,
      ),
      text,
    );
  });

  it("names no family twice, and says of each what it is", () => {
    const families = [...stateKinds.values()].flatMap(({ families: own }) => own);
    const names = families.map(({ name }) => name);
    assert.deepEqual(names.length, new Set(names).size);
    for (const family of families)
      assert.match(headerText(family), /^# HELP kube_\w+ .+\n# TYPE \w+ (gauge|counter)\n$/);
  });

  it("tells of a crash: its reason, its exit code, how often", () => {
    const text = linesOf(
      podOf({
        status: {
          phase: "Running",
          containerStatuses: [
            {
              name: "c",
              image: "i",
              imageID: "",
              ready: false,
              restartCount: 5,
              state: { waiting: { reason: "CrashLoopBackOff" } },
              lastState: {
                terminated: { exitCode: 137, reason: "OOMKilled", finishedAt: "2026-11-30T10:00:09Z" },
              },
            },
          ],
        },
      }),
    );
    const labels = 'namespace="n",pod="a",uid="u",container="c"';
    for (const line of [
      `kube_pod_container_status_waiting_reason{${labels},reason="CrashLoopBackOff"} 1`,
      `kube_pod_container_status_last_terminated_reason{${labels},reason="OOMKilled"} 1`,
      `kube_pod_container_status_last_terminated_exitcode{${labels}} 137`,
      `kube_pod_container_status_last_terminated_timestamp{${labels}} 1796032809`,
      `kube_pod_container_status_restarts_total{${labels}} 5`,
    ])
      assert.ok(text.includes(`${line}\n`), line);
  });

  it("writes hostile values as values, and nothing else", () => {
    const text = linesOf(podOf({ spec: { containers: [], schedulerName: 'a"} 1\nkube_x{b="\\' } }));
    assert.ok(text.includes('name="a\\"} 1\\nkube_x{b=\\"\\\\"} 1\n'), text);
  });

  it("reads quantities as kube-state-metrics does: to the thousandth, rounded up, or in whole bytes", () => {
    assert.equal(amountOf("150m"), 0.15);
    assert.equal(amountOf("1500u"), 0.002);
    assert.equal(amountOf("16E"), 16e18);
    assert.equal(wholeAmount("1500m"), 2);
    assert.equal(wholeAmount("1Gi"), 2 ** 30);
    const units = amountSeries({
      cpu: "1",
      memory: "1",
      pods: "3",
      "hugepages-2Mi": "2Mi",
      "attachable-volumes-aws-ebs": "25",
      "example.com/gpu": "1",
      "requests.example.com/gpu": "1",
      "kubernetes.io/own": "1",
    }).map(({ labels }) => `${labels.resource} ${labels.unit}`);
    assert.deepEqual(units, [
      "cpu core",
      "memory byte",
      "hugepages_2Mi byte",
      "attachable_volumes_aws_ebs byte",
      "example_com_gpu integer",
    ]);
  });
});
