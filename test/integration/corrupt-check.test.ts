import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ClassicLevel } from "classic-level";
import { must } from "../../base/assert.ts";
import { type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";

const pintle = [process.execPath, fileURLToPath(new URL("../../bin/pintle", import.meta.url)), "store"];

describe("a member with the gate InitialCorruptCheck", function () {
  this.timeout(300_000);
  let store: StoreProcesses;
  before(async () => {
    store = await startStoreProcesses(3, pintle, ["--feature-gates=InitialCorruptCheck=true"]);
  });
  after(() => store?.stop());

  /** Asks again while the members have no leader, or another one: that a value is put twice does not matter here. */
  const post = async (member: number, path: string, body: object) => {
    for (;;) {
      const answer = await fetch(`${store.endpoints[member]}${path}`, {
        method: "POST",
        body: JSON.stringify(body),
      });
      const text = await answer.text();
      if (answer.status === 200) return;
      assert.equal(answer.status, 503, text);
    }
  };
  const put = (value: string) =>
    post(0, "/v3/kv/put", { key: "aw==", value: Buffer.from(value).toString("base64") });

  /** Changes the last letter of a stored value, as a bad disk or a bug would. */
  async function spoil(member: number, value: string): Promise<void> {
    const folder = join(store.folder, `m${member}`, "member", "db");
    const names = await readdir(folder);
    const name = names.includes("current") ? (await readFile(join(folder, "current"), "utf8")).trim() : "";
    const db = new ClassicLevel<Buffer, Buffer>(join(folder, name), {
      keyEncoding: "buffer",
      valueEncoding: "buffer",
    });
    await db.open();
    let row: Buffer | undefined;
    for await (const [key, stored] of db.iterator()) if (stored.includes(value)) row = key;
    const key = must(row, `a row with ${value}`);
    const stored = must(await db.get(key), "the row");
    const at = stored.indexOf(value) + value.length - 1;
    stored[at] = (stored[at] ?? 0) ^ 1;
    await db.put(key, stored, { sync: true });
    await db.close();
  }

  it("starts where its data is the others'", async () => {
    await put("the first value");
    await store.kill(2);
    await put("the second value");
    await store.start(2);
    assert.match(store.output(2), /initial corruption checking passed; no corruption/);
  });

  it("does not start where its data is not the others'", async () => {
    await put("the third value");
    await post(2, "/v3/kv/range", { key: "aw==" }); // it has applied it
    await post(2, "/v3/maintenance/defragment", {}); // and all of it is in its database
    await store.kill(2);
    await spoil(2, "the third value");
    await assert.rejects(store.start(2), /found data inconsistency with peers/);
  });
});
