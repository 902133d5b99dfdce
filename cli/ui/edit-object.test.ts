import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { RestClient } from "../../client/rest.ts";
import type { DiscoveredResource } from "../kubectl/discovery.ts";
import { editObject } from "./edit-object.ts";

describe("editing an object on a terminal", () => {
  it("keeps its file in a folder of its own, whatever a server calls its kinds, and leaves nothing", async () => {
    const object = { apiVersion: "v1", kind: "Evil", metadata: { name: "a" } };
    const client = { get: async () => object } as unknown as RestClient;
    const kind = { plural: "../../evil/x", group: "", version: "v1", kind: "Evil" } as DiscoveredResource;
    let edited = "";
    await editObject(client, kind, { name: "a" }, async (file) => {
      edited = file;
    });
    assert.ok(dirname(edited).startsWith(join(tmpdir(), "pintle-edit-")), edited);
    assert.ok(!existsSync(dirname(edited)));
  });
});
