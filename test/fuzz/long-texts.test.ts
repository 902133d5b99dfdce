import assert from "node:assert/strict";
import { expandVariables } from "../../agent/sync/environment.ts";
import { startTestApiserver, type TestApiserver } from "../../controlplane/apiserver/testing.ts";
import { configMaps } from "../../controlplane/apiserver/testing-objects.ts";
import { assertAnsweredWell } from "./answered-well.ts";

const long = 500_000;
const volume = (more: object) => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name: "long" },
  spec: {
    capacity: { storage: "1Gi" },
    accessModes: ["ReadWriteOnce"],
    persistentVolumeReclaimPolicy: "Recycle",
    hostPath: { path: "/a" },
    ...more,
  },
});

/** Each is read in time in proportion to its length: with the square of it none of these would be answered. */
describe("long texts", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  const bodies: readonly (readonly [what: string, path: string, type: string, body: unknown])[] = [
    [
      "of digits that are no quantity",
      "/api/v1/persistentvolumes",
      "application/json",
      volume({ capacity: { storage: `${"0".repeat(long)}x` } }),
    ],
    [
      "of slashes that are no root",
      "/api/v1/persistentvolumes",
      "application/json",
      volume({ hostPath: { path: `${"/".repeat(long)}x/..` } }),
    ],
    [
      "of quotes within a text that has no end",
      configMaps,
      "application/yaml",
      `kind: ConfigMap\ndata: ["${'\\"'.repeat(long)}`,
    ],
    [
      "of padding that is none",
      "/api/v1/namespaces/default/secrets",
      "application/json",
      { metadata: { name: "s" }, data: { a: `${"=".repeat(long)}x` } },
    ],
  ];
  for (const [what, path, type, body] of bodies)
    it(`are refused for what they are: ${what}`, async () => {
      const answer = await server.admin.call("POST", `${path}?dryRun=All`, { body, type });
      assertAnsweredWell(answer, what);
      assert.ok(answer.code === 400 || answer.code === 422, `${answer.code}`);
    });

  it("stand in headers of anybody", async () => {
    for (const headers of [
      { accept: `application/json;q=${"1".repeat(long)}x` },
      { accept: `application/json;x=y${" ".repeat(long)}z` },
      { connection: `x${",".repeat(long)}` },
    ])
      assertAnsweredWell(await server.stranger.call("GET", "/version", { headers }));
  });

  it("of variables' names that do not end stay what they are", () => {
    const text = "$(".repeat(long);
    assert.equal(expandVariables(text, new Map()), text);
    assert.equal(expandVariables("$$(A)$(A)$$$(", new Map([["A", "x"]])), "$(A)x$$(");
  });
});
