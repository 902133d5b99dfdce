import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { must } from "../../base/assert.ts";
import { blockHeadBytes, Chunk, readBlockHead, writeBlockHead } from "../../store/revisions/row-format.ts";
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

  /** Changes the last letter of a stored value as a bug would: its block's checksum is right. */
  async function spoil(member: number, value: string): Promise<void> {
    const db = join(store.folder, `m${member}`, "member", "db");
    const name = (await readFile(join(db, "current"), "utf8")).trim();
    const folder = join(db, name, "revisions");
    for (const segment of await readdir(folder)) {
      const path = join(folder, segment);
      const bytes = await readFile(path);
      const at = bytes.lastIndexOf(value);
      if (at < 0) continue;
      const chunk = new Chunk(bytes);
      let start = 0; // of the block
      for (let next = 0; next <= at; next += blockHeadBytes + headAt(chunk, next).bodyBytes) start = next;
      bytes[at + value.length - 1] = (bytes[at + value.length - 1] as number) ^ 1;
      writeBlockHead(chunk, start, headAt(chunk, start));
      await writeFile(path, bytes);
      return;
    }
    assert.fail(`no revision has ${value}`);
  }
  const headAt = (chunk: Chunk, at: number) => must(readBlockHead(chunk, at), `a block at ${at}`);

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
