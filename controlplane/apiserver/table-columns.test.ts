import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { kinds } from "./resources/table.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

/** The columnDefinitions that kube-apiserver 1.36.3 sends, by collection. */
const recorded: Readonly<Record<string, unknown>> = JSON.parse(
  readFileSync(new URL("testdata/table-columns.json", import.meta.url), "utf8"),
);
const accept = "application/json;as=Table;g=meta.k8s.io;v=v1";

describe("tables say of their columns what kube-apiserver 1.36.3 says:", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  for (const { group, version, plural, otherForms = [] } of kinds.filter(({ isReview }) => !isReview)) {
    for (const form of [{ group, version }, ...otherForms]) {
      const path = `${form.group === "" ? "/api" : `/apis/${form.group}`}/${form.version}/${plural}`;
      it(path, async () => {
        const { body } = await server.admin.call("GET", path, { accept });
        assert.deepEqual(body.columnDefinitions, recorded[path]);
      });
    }
  }
});
