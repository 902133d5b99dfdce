import assert from "node:assert/strict";
import fc from "fast-check";
import { ApiError } from "../api-error.ts";
import { objectPath } from "../paths.ts";
import { defineKind, type KindDefinition, kindProblems } from "./define-kind.ts";
import { KindFinder, UnknownKindError } from "./kind-finder.ts";
import { kinds } from "./kinds.ts";

const backup = { name: "backups", kind: "Backup", namespaced: true };

function world(lists: Record<string, unknown>) {
  const asked: string[] = [];
  const raw = async (_method: string, path: string) => {
    asked.push(path);
    if (path in lists) return JSON.stringify(lists[path]);
    throw new ApiError(404, { code: 404 });
  };
  return { asked, finder: new KindFinder({ raw }), lists };
}

describe("client/kube/kind-finder", () => {
  it("knows built-in kinds, asks for others once, and for what was not there again", async () => {
    const { asked, finder, lists } = world({
      "/apis/example.com/v1": { resources: [backup, { ...backup, name: "backups/status" }] },
    });
    assert.equal(await finder.find({ apiVersion: "apps/v1", kind: "Deployment" }), kinds.Deployment);
    assert.deepEqual(asked, []);
    const wanted = { apiVersion: "example.com/v1", kind: "Backup" };
    const [one, two] = await Promise.all([finder.find(wanted), finder.find(wanted)]);
    assert.deepEqual(one, {
      group: "example.com",
      version: "v1",
      kind: "Backup",
      plural: "backups",
      namespaced: true,
      hasStatus: true,
    });
    assert.equal(one, two);
    await finder.find(wanted);
    assert.deepEqual(asked, ["/apis/example.com/v1"]);
    const later = { apiVersion: "later.example/v1", kind: "Backup" };
    await assert.rejects(finder.find(later), UnknownKindError);
    lists["/apis/later.example/v1"] = { resources: [backup] };
    assert.equal((await finder.find(later)).hasStatus, false);
  });

  it("takes nothing from a server that would lead a request elsewhere", async () => {
    const odd = [
      { ...backup, name: "backups/status" },
      { ...backup, name: "../../secrets" },
      { ...backup, name: "Backups" },
      { ...backup, namespaced: "yes" },
      { ...backup, kind: "Back up" },
      { kind: "Backup" },
      null,
      7,
    ];
    for (const resources of [odd, "none", undefined]) {
      const { finder } = world({ "/apis/example.com/v1": { resources } });
      await assert.rejects(finder.find({ apiVersion: "example.com/v1", kind: "Backup" }), UnknownKindError);
    }
  });

  it("says what an object lacks that names no kind", async () => {
    const { finder, asked } = world({});
    for (const apiVersion of [undefined, 7, "", "/v1", "a/b/c"])
      await assert.rejects(finder.find({ apiVersion, kind: "A" }), /no apiVersion such as apps\/v1/);
    for (const kind of [undefined, 7, ""])
      await assert.rejects(finder.find({ apiVersion: "v1", kind }), /no kind/);
    assert.deepEqual(asked, []);
    await assert.rejects(finder.find({ apiVersion: "a b/../c?", kind: "A" }), TypeError);
    await assert.rejects(finder.find({ apiVersion: "a b/c?", kind: "A" }), UnknownKindError);
    assert.deepEqual(asked, ["/apis/a%20b/c%3F"]);
  });
});

describe("client/kube/define-kind", () => {
  const sound: KindDefinition = {
    group: "example.com",
    version: "v1alpha1",
    kind: "Backup",
    plural: "backups",
    namespaced: false,
  };

  it("names every field that is no part of a path", () => {
    const wrong = { group: "A", version: "v 1", kind: "back-up", plural: "Backups", namespaced: 1 };
    assert.throws(
      () => defineKind(wrong as unknown as KindDefinition),
      /group "A": .*version "v 1": .*kind "back-up": .*plural "Backups": .*namespaced 1: /,
    );
    assert.deepEqual(defineKind(sound), sound);
    assert.ok(Object.isFrozen(defineKind(sound)));
  });

  it("lets no text through that makes another path of it", () => {
    const text = fc.oneof(fc.string(), fc.constantFrom("a.b", "..", "a/b", "a%2fb", "x?y", "A", "v1", ""));
    fc.assert(
      fc.property(text, text, text, (group, version, plural) => {
        const kind = { ...sound, group, version, plural };
        if (kindProblems(kind).length > 0) return;
        const path = objectPath(kind, { name: "x" });
        assert.equal(new URL(path, "https://h").pathname, path);
        assert.equal(path.split("/").length, group === "" ? 5 : 6);
      }),
    );
  });
});
