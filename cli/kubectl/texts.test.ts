import assert from "node:assert/strict";
import { deploymentRollout } from "../../client/rules/rollout-state.ts";
import type { Deployment } from "../../client/types.ts";
import { age } from "./age.ts";
import { parseManifests } from "./manifests.ts";
import { aligned, parseFormat, tableRows, withColumns } from "./output.ts";
import { field, pageText } from "./page.ts";
import { parseOne, parseTargets } from "./targets.ts";

const kind = (
  plural: string,
  kindName: string,
  shortNames: readonly string[],
  group = "",
  categories = ["all"],
) => ({
  group,
  version: "v1",
  kind: kindName,
  plural,
  namespaced: true,
  singular: kindName.toLowerCase(),
  shortNames,
  categories,
});
const kinds = [
  kind("pods", "Pod", ["po"]),
  kind("deployments", "Deployment", ["deploy"], "apps"),
  kind("secrets", "Secret", [], "", []),
];

describe("cli/kubectl/targets", () => {
  const read = (...words: string[]) =>
    parseTargets(kinds, words).map(({ resource, names }) => `${resource.plural}:${names.join("+")}`);

  it("reads every way to name objects", () => {
    assert.deepEqual(read("po"), ["pods:"]);
    assert.deepEqual(read("Pod", "a", "b"), ["pods:a+b"]);
    assert.deepEqual(read("deploy,po"), ["deployments:", "pods:"]);
    assert.deepEqual(read("deployments.apps/web", "po/x"), ["deployments:web", "pods:x"]);
    assert.deepEqual(read("all"), ["pods:", "deployments:"]);
    assert.equal(parseOne(kinds, ["x"], "pod").name, "x");
    assert.equal(parseOne(kinds, ["deploy", "x"]).resource.kind, "Deployment");
    for (const words of [[], ["po/a", "b"], ["po/"]]) assert.throws(() => read(...words));
    assert.throws(() => parseOne(kinds, ["deploy"]), /which object/);
  });
});

describe("cli/kubectl/manifests", () => {
  it("reads many documents and lists, and names what is wrong with which", () => {
    const text = `
{apiVersion: v1, kind: Pod, metadata: {name: a}}
---
# nothing
---
apiVersion: v1
kind: List
items: [{apiVersion: v1, kind: Pod, metadata: {name: b}}]
`;
    assert.deepEqual(
      parseManifests("f", text).map(({ metadata }) => metadata.name),
      ["a", "b"],
    );
    assert.throws(() => parseManifests("f", "a: ["), /^OperatorError: f: /);
    assert.throws(() => parseManifests("f", "[1]"), /f, document 1: not an object/);
    assert.throws(() => parseManifests("f", "{apiVersion: v1, kind: Pod}"), /Pod without metadata\.name/);
    assert.throws(() => parseManifests("f", "---\n{}\n---\n{kind: X}"), /document 1: apiVersion is missing/);
  });
});

describe("cli/kubectl/output", () => {
  const table = {
    columnDefinitions: [{ name: "Name" }, { name: "Age" }, { name: "IP", priority: 1 }],
    rows: [{ cells: ["web", "5m", null], object: { metadata: { namespace: "n" } } }],
  };

  it("prints the server's tables", () => {
    const narrow = { wide: false, namespaces: false, header: true };
    assert.equal(aligned(tableRows(table, narrow)), "NAME   AGE\nweb    5m\n");
    const wide = { wide: true, namespaces: true, header: false, prefix: "pod/" };
    assert.deepEqual(tableRows(table, wide), [["n", "pod/web", "5m", "<none>"]]);
    assert.throws(() => parseFormat("xml"), /--output: "xml" is none of/);
  });

  it("prints pages with aligned values", () => {
    const page = [
      field("Name", "x"),
      field("Labels", "a=1", "b=2"),
      { heading: "Inside", lines: [field("Empty")] },
      { heading: "Rows", table: [["T"], ["v"]] },
      { heading: "None", table: [["T"]] },
    ];
    assert.equal(
      pageText(page),
      "Name:    x\nLabels:  a=1\n         b=2\nInside:\n  Empty:  <none>\nRows:\n  T\n  -\n  v\nNone:  <none>\n",
    );
  });

  it("tells ages as kubectl does", () => {
    const at = (seconds: number) => age("2026-01-01T00:00:00Z", Date.UTC(2026, 0, 1) + seconds * 1000);
    const wanted = {
      5: "5s",
      119: "119s",
      120: "2m",
      185: "3m5s",
      1500: "25m",
      18600: "5h10m",
      90000: "25h",
      266400: "3d2h",
      3456000: "40d",
    };
    for (const [seconds, text] of Object.entries(wanted)) assert.equal(at(Number(seconds)), text);
    assert.equal(age(undefined, 0), "<unknown>");
  });
});

describe("client/rules/rollout-state", () => {
  const state = (status: Deployment["status"], generation = 2) => {
    const metadata = { name: "web", uid: "u", resourceVersion: "1", creationTimestamp: "", generation };
    const spec = { replicas: 3, selector: {}, template: {} };
    const { state: name, message } = deploymentRollout({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec,
      ...(status && { status }),
    });
    return `${name}: ${message}`;
  };

  it("waits for each stage in turn", () => {
    const base = { observedGeneration: 2 };
    assert.equal(
      state({ observedGeneration: 1 }),
      "waiting: Waiting for deployment spec update to be observed...",
    );
    assert.match(state({ ...base, updatedReplicas: 1 }), /1 out of 3 new replicas have been updated\.\.\.$/);
    assert.match(
      state({ ...base, updatedReplicas: 3, replicas: 4 }),
      /1 old replicas are pending termination/,
    );
    assert.match(
      state({ ...base, updatedReplicas: 3, replicas: 3, availableReplicas: 2 }),
      /2 of 3 updated replicas/,
    );
    const done = { ...base, updatedReplicas: 3, replicas: 3, availableReplicas: 3 };
    assert.equal(state(done), 'done: deployment "web" successfully rolled out');
    const late = [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }];
    assert.equal(
      state({ ...done, conditions: late }),
      'failed: deployment "web" exceeded its progress deadline',
    );
  });
});

describe("tables of a watch", () => {
  it("are shown in the columns that the first of them told", () => {
    const first = withColumns({ columnDefinitions: [{ name: "Name" }], rows: [] }, []);
    const next = withColumns(
      { columnDefinitions: null, rows: [{ cells: ["web"] }] },
      first.columnDefinitions,
    );
    const shown = { wide: false, namespaces: false, header: false };
    assert.deepEqual(tableRows(next, shown), [["web"]]);
  });
});
