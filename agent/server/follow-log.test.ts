import { strict as assert } from "node:assert";
import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { logBytes, logQuery } from "./container-logs.ts";

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, "0")}.000000001Z`;
const signal = new AbortController().signal;

describe("container logs", () => {
  let dir: string;
  let path: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "pintle-logs-"));
    path = join(dir, "0.log");
    await writeFile(`${path}.1`, `${at(1)} stdout F one\n${at(2)} stderr F two\n`);
    await writeFile(path, `${at(3)} stdout P thr\n${at(3)} stdout F ee\ntorn\n${at(4)} stdout F four\n`);
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const text = async (query: string) => {
    let all = "";
    for await (const piece of logBytes(path, logQuery(new URLSearchParams(query), Date.parse(at(5))), {
      signal,
    }))
      all += piece;
    return all;
  };

  it("joins rotated files and partial lines", async () =>
    assert.equal(await text(""), "one\ntwo\nthree\nfour\n"));
  it("gives the last lines", async () => assert.equal(await text("tailLines=1"), "four\n"));
  it("gives none of them when asked for none", async () => assert.equal(await text("tailLines=0"), ""));
  it("stamps lines once", async () =>
    assert.equal(await text("timestamps=true&sinceSeconds=2"), `${at(3)} three\n${at(4)} four\n`));
  it("stops at its bytes", async () => assert.equal(await text("limitBytes=6"), "one\ntw"));
  it("refuses what is no number", () =>
    assert.throws(() => logQuery(new URLSearchParams("tailLines=x"), 0), /tailLines: "x"/));

  it("follows across a rotation and ends with its container", async () => {
    let live = true;
    let wake: () => void = () => undefined;
    const follow = {
      signal,
      goesOn: () => live,
      onWake: (ring: () => void) => {
        wake = ring;
        return () => undefined;
      },
    };
    const pieces = logBytes(path, logQuery(new URLSearchParams("tailLines=1&follow=true"), 0), follow);
    const next = async () => String((await pieces.next()).value);
    assert.equal(await next(), "four\n");
    const five = next();
    await appendFile(path, `${at(5)} stdout F five\n`);
    assert.equal(await five, "five\n");
    await rename(path, `${path}.1`);
    await writeFile(path, `${at(6)} stdout F six\n`);
    assert.equal(await next(), "six\n");
    const end = pieces.next();
    live = false;
    wake();
    assert.equal((await end).done, true);
  });
});
