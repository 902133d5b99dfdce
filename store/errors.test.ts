import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type StoreErrorCode, storeErrors } from "./errors.ts";

/** Refusals of etcd's that no client of ours is sent, and why; docs/reference/differences.md says so, too. */
const absent: ReadonlyMap<string, string> = new Map([
  ["ClusterIDMismatch", "goes between members; ours end the connection, and log these words"],
  ["NotCapable", "a cluster of a version that 3.7 does not know, which it never agrees upon"],
  ["NoInflightDowngrade", "is logged, and CANCEL answered as if there had been one"],
  ["Canceled", "told to who went away"],
  ["DeadlineExceeded", "gRPC's own words without a prefix leave in its place"],
]);

/** Words of other packages of etcd's and of raft, which leave as they are. */
const elsewhere: ReadonlySet<StoreErrorCode> = new Set([
  "PROPOSAL_DROPPED",
  "NO_PASSWORD_USER",
  "VERIFY_ONLY",
  "PASSWORD_TOO_LONG",
]);

interface Refusal {
  readonly name: string;
  readonly status: string;
  readonly text: string;
}

async function etcdRefusals(): Promise<readonly Refusal[]> {
  const lines = (await readFile(join(import.meta.dirname, "testdata/etcd-errors.txt"), "utf8")).split("\n");
  return lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [name = "", status = "", ...words] = line.split(" ");
      return { name, status, text: words.join(" ") };
    });
}

/** The sources of the store, tests and the table itself aside. */
async function sources(): Promise<string> {
  const root = import.meta.dirname;
  const paths = (await readdir(root, { recursive: true })).filter(
    (path) => path.endsWith(".ts") && !path.endsWith(".test.ts") && path !== "errors.ts",
  );
  return (await Promise.all(paths.map((path) => readFile(join(root, path), "utf8")))).join("\n");
}

describe("the table of errors", () => {
  const rows = Object.entries(storeErrors);

  it("has etcd's refusals with their codes and texts, but for those that no client is sent", async () => {
    const ours = new Set(rows.map(([, { status, message }]) => `${status} ${message}`));
    const missing = (await etcdRefusals()).filter(({ status, text }) => !ours.has(`${status} ${text}`));
    assert.deepEqual(missing.map(({ name }) => name).sort(), [...absent.keys()].sort());
  });

  it("has nothing beside them but words of etcd's other packages", async () => {
    const theirs = new Set((await etcdRefusals()).map(({ status, text }) => `${status} ${text}`));
    const more = rows.filter(([, { status, message }]) => !theirs.has(`${status} ${message}`));
    assert.deepEqual(new Set(more.map(([code]) => code)), new Set<string>(elsewhere));
  });

  it("has no row that nothing uses", async () => {
    const text = await sources();
    const unused = rows.filter(([code]) => !text.includes(`"${code}"`) && !text.includes(`.${code}.`));
    assert.deepEqual(
      unused.map(([code]) => code),
      [],
    );
  });

  it("lacks nothing that docs/reference/differences.md does not name, with its reason", async () => {
    const docs = await readFile(join(import.meta.dirname, "../docs/reference/differences.md"), "utf8");
    for (const { name, text } of await etcdRefusals())
      if (absent.has(name)) assert.ok(docs.includes(`\`${text}\`: ${absent.get(name)}`), name);
  });
});
