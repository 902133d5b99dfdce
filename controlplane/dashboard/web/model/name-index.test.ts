import assert from "node:assert/strict";
import { findNames, labelsText, type NamedObject, searchedKinds } from "./name-index.ts";

const object = (
  kind: string,
  name: string,
  labels: Record<string, string> = {},
  namespace = "shop",
): NamedObject => ({
  kind,
  words: `${kind.split("/")[1]} ${kind === "core/pods" ? "pod po" : ""}`,
  name,
  namespace,
  labels: labelsText(labels),
});
const objects = [
  object("core/pods", "web-1", { app: "web", tier: "front" }),
  object("core/pods", "web", { app: "web2" }),
  object("apps/deployments", "my-web", { app: "Web" }),
  object("core/pods", "db-0", { app: "db" }, "data"),
];
const found = (text: string, most = 10) => findNames(objects, text, most).map(({ object: { name } }) => name);

describe("dashboard/web/model: names", () => {
  it("finds a name by a part of it, whole names and beginnings first", () => {
    assert.deepEqual(found("web"), ["web", "web-1", "my-web"]);
    assert.deepEqual(found("WEB", 1), ["web"]);
    assert.deepEqual(found("nothing"), []);
    assert.deepEqual(found("  "), []);
  });
  it("takes every word: kinds, namespaces and labels narrow it", () => {
    assert.deepEqual(found("web po"), ["web", "web-1"]);
    assert.deepEqual(found("data"), ["db-0"]);
    assert.deepEqual(found("shop db"), []);
  });
  it("finds labels by their beginning, whole or the value's", () => {
    assert.deepEqual(found("app=web"), ["web", "web-1", "my-web"]);
    assert.deepEqual(found("tier=front,app=web"), ["web-1"]);
    assert.deepEqual(found("pp=web"), []);
  });
  it("looks through what people look for first, and not through what comes and goes by itself", () => {
    const kind = (group: string, plural: string, verbs = ["list"]) => ({ group, plural, verbs });
    const all = [
      kind("", "events"),
      kind("example.com", "widgets"),
      kind("", "bindings", ["create"]),
      kind("", "pods"),
    ];
    assert.deepEqual(
      searchedKinds(all).map(({ plural }) => plural),
      ["pods", "widgets"],
    );
  });
});
