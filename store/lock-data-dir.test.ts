import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { systemDisk } from "../base/os/disk.ts";
import { lockDataDir } from "./lock-data-dir.ts";
import { startAlone } from "./testing/start-alone.ts";

const holder = fileURLToPath(new URL("./testing/hold-data-dir.ts", import.meta.url));
const ownNetwork = ["unshare", "--net"];
const canUnshare = spawnSync("unshare", ["--net", "true"]).status === 0;
const inUse = /--data-dir: .* is in use by another member; stop that process or choose another directory$/;

describe("store: the data directory's lock", function () {
  this.timeout(120_000);
  let dataDir = "";
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "pintle-lock-"));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) await kill(child);
    await rm(dataDir, { recursive: true, force: true });
  });

  /** What another process says that tries to take the directory; one that holds it lives on. */
  async function elsewhere(wrap: readonly string[] = []): Promise<{ child: ChildProcess; says: string }> {
    const [command = "", ...args] = [...wrap, process.execPath, "--import", "tsx", holder, dataDir];
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    children.push(child);
    for await (const says of createInterface(child.stdout)) return { child, says };
    throw new Error("it said nothing");
  }

  async function kill(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  it("keeps out a process in another network namespace", async function () {
    if (!canUnshare) return this.skip(); // takes root
    assert.equal((await elsewhere(ownNetwork)).says, "held");
    assert.match((await elsewhere(ownNetwork)).says, inUse);
    await assert.rejects(lockDataDir(dataDir, systemDisk), inUse);
  });

  it("is free as soon as its holder was killed", async () => {
    const { child, says } = await elsewhere();
    assert.equal(says, "held");
    await assert.rejects(lockDataDir(dataDir, systemDisk), inUse);
    await kill(child);
    const release = await lockDataDir(dataDir, systemDisk);
    assert.match((await elsewhere()).says, inUse);
    await release();
    assert.equal((await elsewhere()).says, "held");
  });

  it("is not lost when the same process asks again, by whatever path", async () => {
    const release = await lockDataDir(dataDir, systemDisk);
    const alias = `${dataDir}-alias`;
    await symlink(dataDir, alias);
    try {
      await assert.rejects(lockDataDir(dataDir, systemDisk), inUse);
      await assert.rejects(lockDataDir(alias, systemDisk), inUse);
    } finally {
      await rm(alias);
    }
    assert.match((await elsewhere()).says, inUse);
    await release();
  });

  it("is taken whatever the last holder left behind", async () => {
    await (await lockDataDir(dataDir, systemDisk))();
    for (const name of ["CURRENT", "MANIFEST-000002", "000003.log"])
      await writeFile(join(dataDir, "member", "lock", name), "junk");
    await (await lockDataDir(dataDir, systemDisk))();
  });

  it("holds, and so does that of its database, from a member's start to its end", async () => {
    const store = await startAlone(dataDir);
    try {
      await store.member.state.defragment(); // looks at the database's files
      assert.match((await elsewhere()).says, inUse);
      if (existsSync("/proc/locks")) assert.deepEqual(ownLocks(), ["db/000001/LOCK", "lock/LOCK"]);
    } finally {
      await store.stop();
    }
    assert.equal((await elsewhere()).says, "held");
  });

  /** The files below `member` on which this process holds a lock, as the kernel has it. */
  function ownLocks(): string[] {
    const find = spawnSync("find", [join(dataDir, "member"), "-name", "LOCK", "-printf", "%i %P\n"]);
    const all = readFileSync("/proc/locks", "utf8").split("\n");
    const locks = all.filter((line) => line.includes(` ${process.pid} `));
    return `${find.stdout}`
      .trim()
      .split("\n")
      .map((line) => line.split(" "))
      .filter(([inode]) => locks.some((lock) => lock.includes(`:${inode} `)))
      .map(([, path]) => path ?? "")
      .sort();
  }
});
