import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "../..");
const rooms = ["base", "proto", "store", "client", "controlplane", "agent", "shipping", "cli", "lib"];

/** Sources are bundled; the rest of these is read by tests, by the build, or where nothing was built. */
const isLeftOut = (path: string) =>
  /\.(tsx?|md|proto)$|-source\.mjs$|^controlplane\/(apiserver\/schema\/.*\.txt$|dashboard\/web\/)/.test(
    path,
  ) || /(^|\/)(testdata|testing)\//.test(path);

describe("the package", function () {
  this.timeout(60_000);
  let packed: ReadonlySet<string>;

  before(async () => {
    const words = ["pack", "--dry-run", "--json", "--ignore-scripts"];
    const { stdout } = await promisify(execFile)("npm", words, { cwd: root, maxBuffer: 2 ** 24 });
    const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
    packed = new Set(files.map(({ path }) => path));
  });

  it("has every file that is read by its path", async () => {
    const found: string[] = [];
    for (const room of rooms)
      for (const entry of await readdir(join(root, room), { recursive: true, withFileTypes: true }))
        if (entry.isFile()) found.push(join(entry.parentPath, entry.name).slice(root.length + 1));
    const needed = found.filter((path) => !isLeftOut(path));
    assert.ok(needed.includes("agent/runtime/shim/shim.pl"));
    assert.deepEqual(
      needed.filter((path) => !packed.has(path)),
      [],
    );
  });

  it("has nothing of its development", () => {
    const strange = [...packed].filter(
      (path) => !/^(agent|bin|dist)\/|^(CHANGELOG\.md|LICENSE|README\.md|package\.json)$/.test(path),
    );
    assert.deepEqual(strange, []);
  });

  it("has what starts it, and what threads run", () => {
    const threads = ["store-thread", "password-worker", "serving-worker", "search-worker", "unpack-worker"];
    for (const path of [
      "bin/pintle",
      "bin/etcd",
      ...["main", "etcd", ...threads].map((name) => `dist/cli/${name}.js`),
      ...["schema", "schema-docs", "go-forms"].map((name) => `dist/${name}.json.gz`),
    ])
      assert.ok(packed.has(path), path);
  });
});
