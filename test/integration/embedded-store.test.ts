import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Etcd3 } from "etcd3";
import { freePorts } from "../../base/os/free-ports.ts";
import { EtcdStorage } from "../../controlplane/apiserver/registry/etcd-storage.ts";
import { storageSuite } from "../../controlplane/apiserver/registry/storage.suite.ts";
import { connect } from "../../lib/etcd.ts";
import { json, type OpenOptions, openStore, type Store, UsageError } from "../../lib/store.ts";
import { openEmbedded } from "../../store/embedded/embedded-store.ts";

describe("a store inside a program", function () {
  this.timeout(120_000);
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-embedded-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  storageSuite("of a store in memory", async () => ({
    storage: await storageInMemory(),
    prefix: "/registry/",
  }));

  it("is opened fifty times in one process, each apart from the others", async () => {
    const stores = await Promise.all(Array.from({ length: 50 }, () => openStore({ codec: json<number>() })));
    await Promise.all(stores.map((store, n) => store.put("n", n)));
    for (const [n, store] of stores.entries()) {
      strictEqual((await store.get("n"))?.value, n);
      strictEqual(await store.count({ prefix: "" }), 1);
    }
    await Promise.all(stores.map((store) => store.close()));
  });

  it("does the same again with the same seed, under a clock that stands still", async () => {
    const clock = { monotonicMs: () => 5, wallMs: () => 1_000, after: () => () => undefined };
    const lives = [];
    for (let life = 0; life < 2; life++) {
      await using store = await openStore({ seed: 7, clock });
      const { id } = await store.lease(60);
      await store.put("a", "1", { lease: id });
      lives.push([id, await store.get("a")]);
    }
    deepStrictEqual(lives[0], lives[1]);
  });

  it("forgets what it was told to, and keeps all where it was", async () => {
    await using all = await openStore({ history: "all" });
    const { revision } = await all.put("a", "1");
    await all.put("a", "2");
    strictEqual((await all.get("a", { revision }))?.value, "1");
    for (const history of [{ ms: 0 }, { revisions: 0.5 }])
      await rejects(openStore({ history }), /history.* must be a whole number of at least 1/);
  });

  it("listens where it is asked to, for any client of etcd's", async () => {
    for (const where of [{}, { folder: join(folder, "listening") }]) {
      await using store = await openStore({ ...where, listen: "http://127.0.0.1:0" });
      strictEqual(store.urls.length, 1);
      await using client = connect(store.urls);
      const other = new Etcd3({ hosts: [...store.urls] });
      try {
        await store.put("a", "1");
        strictEqual((await client.get("a"))?.value, "1");
        await other.put("a").value("2");
        strictEqual((await store.get("a"))?.value, "2");
        await using held = await store.lock("job");
        strictEqual(await client.tryLock("job"), undefined);
        await held.release();
        await (await client.lock("job")).release();
      } finally {
        other.close();
      }
    }
  });

  it("is one of three members, each in its folder, and goes on when one is gone", async () => {
    const names = ["a", "b", "c"];
    const ports = await freePorts(names.length);
    const peers = Object.fromEntries(names.map((name, at) => [name, `http://127.0.0.1:${ports[at]}`]));
    const optionsOf = (name: string): OpenOptions & { codec?: undefined } => ({
      folder: join(folder, `member-${name}`),
      member: { name, peers },
    });
    const members = await Promise.all(names.map((name) => openStore(optionsOf(name))));
    const [a, b, c] = members as [Store<string>, Store<string>, Store<string>];
    try {
      await a.put("k", "1");
      strictEqual((await b.get("k"))?.value, "1");
      const watch = c.watch("k", { from: 1 });
      await b.close();
      await a.put("k", "2");
      const told: (string | undefined)[] = [];
      for await (const { entry } of watch) if (told.push(entry?.value) === 2) break;
      deepStrictEqual(told, ["1", "2"]);
      await using again = await openStore(optionsOf("b"));
      strictEqual((await again.get("k"))?.value, "2");
    } finally {
      await Promise.all(members.map((member) => member.close()));
    }
  });

  it("waits for the others of its cluster for as long as it is to", async () => {
    const [port] = await freePorts(1);
    const peers = { a: `http://127.0.0.1:${port}`, b: "http://127.0.0.1:1", c: "http://127.0.0.1:2" };
    const end = new AbortController();
    const options = { folder: join(folder, "waiting"), member: { name: "a", peers }, signal: end.signal };
    const opening = rejects(openStore(options), /waited long enough/);
    end.abort(new Error("waited long enough"));
    await opening;
    await rm(options.folder, { recursive: true, force: true }); // nobody has it
  });

  it("says by name what does not fit", async () => {
    const cases: readonly [OpenOptions, RegExp][] = [
      [{ member: { name: "a", peers: { a: "http://127.0.0.1:1" } } }, /member: needs a folder/],
      [{ folder, member: { name: "a", peers: {} } }, /member\.peers: does not list this member, "a"/],
      [{ flags: { name: "x" } }, /say --name by the option member\.name/],
      [{ flags: { "wal-dir": "x" } }, /--wal-dir has no meaning here/],
      [{ flags: { "no-such": "x" } }, /unknown flag/],
      [{ flags: { "unsafe-no-fsync": true } }, /unsafe-no-fsync/],
      [{ quotaBytes: -1 }, /quotaBytes: -1 must be a whole number/],
      [{ electionMs: 200, heartbeatMs: 100 }, /^electionMs: 200 must be at least 5 times/],
      [{ listen: "nowhere" }, /^listen: "nowhere" must look like http:/],
      [{ folder: "" }, /folder: "" must be the path of a folder/],
    ];
    for (const [options, message] of cases)
      await rejects(openStore(options as OpenOptions & { codec?: undefined }), (error: unknown) => {
        ok(error instanceof UsageError, String(error));
        ok(message.test(error.message), `${error.message} is not like ${message}`);
        return true;
      });
  });
});

/** An API server's storage with a store of its own. */
async function storageInMemory(): Promise<EtcdStorage> {
  const { client, clock, close } = await openEmbedded({});
  return new (class extends EtcdStorage {
    override async close(): Promise<void> {
      await super.close();
      await close();
    }
  })(client, clock);
}
