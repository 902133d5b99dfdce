import { strict as assert } from "node:assert";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../base/os/log.ts";
import { UserRanges } from "./user-ranges.ts";

describe("users that are a pod's own", () => {
  let root: string;
  let config: { dir: string; rootDir: string };
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-users-"));
    config = { dir: join(root, "pods"), rootDir: "/var/lib/node-1" };
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it("are others for each pod, none of the host's lower ones, and the same until it goes", async () => {
    const users = await UserRanges.open(config, [], silentLog);
    const [a, b] = [await users.take("a"), await users.take("b")];
    assert.equal(a.length, 65_536);
    assert.ok(a.first >= 65_536 && a.first % 65_536 === 0);
    assert.equal(b.first, a.first + 65_536);
    assert.deepEqual(await users.take("a"), a);
    await users.release("a");
    assert.deepEqual(await users.take("c"), a);
  });

  it("outlive the agent, and go with pods that went meanwhile", async () => {
    const first = await UserRanges.open(config, [], silentLog);
    const [a, b] = [await first.take("a"), await first.take("b")];
    const mapping = [{ hostId: a.first, containerId: 0, length: 65_536 }];
    assert.deepEqual(JSON.parse(await readFile(join(config.dir, "a", "userns"), "utf8")), {
      uidMappings: mapping,
      gidMappings: mapping,
    });
    const next = await UserRanges.open(config, ["a", "b", "without"], silentLog);
    assert.deepEqual(await next.take("b"), b);
    await next.keepOnly(new Set(["b"]));
    assert.deepEqual(await next.take("c"), a);
  });

  it("are of another range for another node, and within 2^32", async () => {
    const firsts = new Set<number>();
    for (let node = 0; node < 50; node++) {
      const users = await UserRanges.open({ ...config, rootDir: `/node-${node}` }, [], silentLog);
      const { first } = await users.take(`pod-${node}`);
      assert.ok(first + 256 * 65_536 <= 2 ** 32);
      firsts.add(first);
    }
    assert.ok(firsts.size > 40, `${firsts.size} of 50`);
  });

  it("are no more than there are", async () => {
    const users = await UserRanges.open(config, [], silentLog);
    for (let pod = 0; pod < 256; pod++) await users.take(`p${pod}`);
    await assert.rejects(users.take("one-more"), /could not find an empty slot to allocate a user namespace/);
    await users.release("p7");
    await users.take("one-more");
  });

  it("are not read from what is none, or another pod's", async () => {
    const mapping = (hostId: number, length = 65_536) => [{ hostId, containerId: 0, length }];
    const text = (hostId: number, length?: number) =>
      JSON.stringify({ uidMappings: mapping(hostId, length), gidMappings: mapping(hostId, length) });
    const whole = text(131_072);
    for (const bad of ["", "{}", text(0), text(65_537), text(2 ** 32), text(131_072, 1), `${whole} `]) {
      await mkdir(join(config.dir, "a"), { recursive: true });
      await writeFile(join(config.dir, "a", "userns"), bad);
      await assert.rejects(
        UserRanges.open(config, ["a"], silentLog),
        /userns is not whole, or another pod's/,
      );
    }
    for (const pod of ["a", "b"]) {
      await mkdir(join(config.dir, pod), { recursive: true });
      await writeFile(join(config.dir, pod, "userns"), whole);
    }
    await assert.rejects(UserRanges.open(config, ["a", "b"], silentLog), /another pod's/);
  });
});
