import assert from "node:assert/strict";
import { appendFile, mkdir, mkdtemp, rename, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { compileRegex } from "../../client/logs/compile-regex.ts";
import { lineTest } from "../../client/logs/match-line.ts";
import type { FoundEntry, FoundSource, SearchRecord } from "../../client/logs/search-records.ts";
import { parseSearchRequest, timestamp } from "../../client/logs/search-request.ts";
import { compressLog } from "./compress-log.ts";
import { type LogFolders, podLogFolders } from "./folders.ts";
import { followSearch } from "./follow-search.ts";
import { keepPodLogs, linkRotatedLogs } from "./keep-logs.ts";
import { writeLabels } from "./log-labels.ts";
import { chosenSources, searchNode, searchSources } from "./node-search.ts";

// Files were last written to after what is in them.
const nowMs = Math.floor(Date.now() / 60_000) * 60_000;
const nowUs = nowMs * 1000;

describe("a search of a node's logs", () => {
  let root: string;
  let folders: LogFolders;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pintle-search-"));
    folders = { ...podLogFolders(join(root, "logs")), components: [join(root, "components")], audit: [] };
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const logPath = (pod: string, name = "0.log", namespace = "shop") =>
    join(folders.live, `${namespace}_${pod}_uid-${pod}`, "app", name);
  const write = async (path: string, text: string | Buffer) => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    return path;
  };
  const record = (us: number, text: string, stream = "stdout", tag = "F") =>
    `${timestamp(us).replace("Z", "000Z")} ${stream} ${tag} ${text}\n`;
  const requestOf = (params: Record<string, string>) => {
    const read = parseSearchRequest(new URLSearchParams(params), nowMs);
    if ("problem" in read) assert.fail(read.problem.message);
    return read.request;
  };
  const found = async (params: Record<string, string>) => {
    const records: SearchRecord[] = [];
    for await (const one of searchNode(requestOf(params), { folders, monotonicMs: () => 0 }))
      records.push(one);
    return records;
  };
  const entriesOf = (records: readonly SearchRecord[]): readonly FoundEntry[] =>
    records.flatMap((one) => ("entry" in one ? one.entry : []));
  const texts = async (params: Record<string, string>) =>
    entriesOf(await found(params)).map(({ text }) => text);

  it("finds by text, field, label, stream and time, the newest first, and says who wrote it", async () => {
    for (const pod of ["web", "db"]) {
      const lines = [0, 1, 2, 3].map((n) =>
        record(
          nowUs - (4 - n) * 60e6,
          `{"level":"${n % 2 ? "error" : "info"}","n":${n},"pod":"${pod}"}`,
          n < 2 ? "stderr" : "stdout",
        ),
      );
      await writeLabels(dirname(await write(logPath(pod), lines.join(""))), 0, { app: pod });
    }
    const [first, second] = await found({ query: "level=error", labelSelector: "app=web" });
    const source: FoundSource = {
      ...{ id: 1, kind: "container", namespace: "shop", pod: "web", podUid: "uid-web" },
      ...{ container: "app", restart: 0, labels: { app: "web" } },
    };
    assert.deepEqual(first, { source });
    assert.deepEqual(second, {
      entry: {
        ...{ source: 1, time: timestamp(nowUs - 60e6).replace("Z", "000Z"), stream: "stdout" },
        text: '{"level":"error","n":3,"pod":"web"}',
      },
    });
    assert.equal((await texts({ query: "level=error" })).length, 4);
    assert.equal((await texts({ query: "n>=2", pod: "db" })).length, 2);
    assert.equal((await texts({ stream: "stderr" })).length, 4);
    assert.equal((await texts({ since: "3m", until: "2m" })).length, 2);
    assert.equal((await texts({ namespace: "sho" })).length, 0);
    const oldest = await found({ query: "pod=db", order: "oldest", limit: "3" });
    assert.deepEqual(
      entriesOf(oldest).map(({ text }) => JSON.parse(text).n),
      [0, 1, 2],
    );
    const end = oldest.at(-1);
    assert.ok(end !== undefined && "end" in end && end.end.isLimited && end.end.entries === 3);
  });

  // Beside it a search that reads everything and sorts.
  it("finds what a search finds that reads everything, however files were rotated, kept, compressed and torn", async () => {
    const words = [
      "error",
      "timeout",
      "ok",
      "user=7",
      '{"level":"error","user":{"id":7}}',
      "x".repeat(300),
      "ÿ",
      "\ufffd",
    ];
    const scenario = fc.record({
      lines: fc.array(
        fc.record({
          gapUs: fc.integer({ min: 0, max: 2_000_000 }),
          word: fc.constantFrom(...words),
          stream: fc.constantFrom("stdout", "stderr"),
          parts: fc.integer({ min: 1, max: 3 }),
          times: fc.constantFrom(1, 1, 1, 40),
        }),
        { minLength: 1, maxLength: 60 },
      ),
      cuts: fc.array(fc.nat(60), { maxLength: 3 }),
      gone: fc.boolean(),
      compressed: fc.boolean(),
      torn: fc.boolean(),
      query: fc.constantFrom(
        "",
        "error",
        "timeout or user=7",
        "not ok",
        ".user.id=7",
        "/x{20}/",
        "level=error not timeout",
        "ÿ",
      ),
      order: fc.constantFrom("newest", "oldest"),
      sinceMs: fc.integer({ min: 0, max: 60_000 }),
      limit: fc.constantFrom("7", "10000"),
    });
    let entries = 0;
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        scenario,
        async ({ lines, cuts, gone, compressed, torn, query, order, sinceMs, limit }) => {
          number += 1;
          const pod = `p${number}`;
          let us = nowUs - 120e6;
          const all: { us: number; text: string }[] = [];
          const files: string[] = [""];
          for (const [at, { gapUs, word, stream, parts, times }] of lines.entries()) {
            if (cuts.includes(at)) files.push("");
            for (let time = 0; time < times; time += 1) {
              us += gapUs + 1;
              const text = `${word} ${at}.${time} ${"p".repeat(parts)}`;
              const size = Math.ceil(text.length / parts);
              for (let part = 0; part < parts; part += 1)
                files[files.length - 1] += record(
                  us,
                  text.slice(part * size, (part + 1) * size),
                  stream,
                  part === parts - 1 ? "F" : "P",
                );
              all.push({ us, text });
            }
          }
          for (const [at, text] of files.entries()) {
            const age = files.length - 1 - at;
            await write(logPath(pod, age === 0 ? "0.log" : `0.log.${age}`), text);
          }
          if (torn) await appendFile(logPath(pod), `${timestamp(us + 5)} stdout F error that was never wri`);
          await linkRotatedLogs(folders);
          if (gone) {
            await keepPodLogs(folders, `shop_${pod}_uid-${pod}`);
            const request = requestOf({ pod, since: "1h" });
            const [source] = await chosenSources(request, folders);
            if (compressed) for (const { path } of source?.files ?? []) await compressLog(path);
          }
          const test = lineTest(requestOf({ query }).query, compileRegex);
          const since = timestamp(nowUs - 120e6 + sinceMs * 1000);
          const sinceUs = nowUs - 120e6 + sinceMs * 1000;
          const expected = all
            .filter((one) => one.us >= sinceUs && test(one.text))
            .sort((a, b) => a.us - b.us);
          if (order === "newest") expected.reverse();
          const shown = await texts({ pod, query, since, order, limit, until: timestamp(nowUs + 3600e6) });
          entries += shown.length;
          for (const folder of [folders.live, folders.kept])
            await rm(folder, { recursive: true, force: true });
          assert.deepEqual(
            shown,
            expected.slice(0, Number(limit)).map(({ text }) => text),
          );
        },
      ),
      { numRuns: 50 },
    );
    assert.ok(entries > 20, String(entries));
  });

  it("counts lines in steps of time, apart where that is asked for", async () => {
    const lines = [1, 2, 61, 62, 63].map((seconds) => record(nowUs - 180e6 + seconds * 1e6, "error"));
    await write(logPath("a"), lines.join(""));
    await write(logPath("b"), lines.slice(0, 1).join(""));
    const counted = await found({ counts: "true", step: "1m", since: "3m", by: "pod", query: "error" });
    const from = timestamp(nowUs - 180e6);
    const series = [
      { name: "a", counts: [2, 3, 0] },
      { name: "b", counts: [1, 0, 0] },
    ];
    const [first, second] = counted;
    assert.ok(first !== undefined && "counts" in first);
    const sorted = [...first.counts.series].sort((one, other) => (one.name < other.name ? -1 : 1));
    assert.deepEqual({ ...first.counts, series: sorted }, { from, stepMs: 60_000, series });
    assert.ok(second !== undefined && "end" in second && second.end.entries === 6);
  });

  it("reads only blocks whose time is asked for", async () => {
    const text = "y".repeat(200);
    const lines = Array.from({ length: 20_000 }, (_, n) => record(nowUs - 7200e6 + n * 360_000, text)).join(
      "",
    );
    await write(logPath("a"), lines);
    const end = (await found({ query: "error", since: "1m" })).at(-1);
    assert.ok(end !== undefined && "end" in end);
    assert.ok(end.end.searchedBytes < 200 * 1024, String(end.end.searchedBytes));
  });

  it("holds no more of a line than it shows, whatever is written", async () => {
    const hostile = Buffer.concat([
      Buffer.from(record(nowUs - 5e6, `error \u001b[31m${"z".repeat(1_500_000)}`)),
      Buffer.from(record(nowUs - 4e6, "error \x00")),
      Buffer.from("no record at all\n\n 2 3 4\n"),
      Buffer.from(record(nowUs - 3e6, "error ")).subarray(0, -1),
      Buffer.from([0xff, 0xfe, 10]),
      Buffer.from(record(nowUs - 2e6, "x".repeat(300_000), "stdout", "P").repeat(6)),
      Buffer.from(record(nowUs - 1e6, "the error at the end is not looked at")),
    ]);
    await write(logPath("a"), hostile);
    const shown = entriesOf(await found({ query: "error", order: "oldest" }));
    assert.deepEqual(
      shown.map(({ text, textBytes }) => [text.slice(0, 9), text.length, textBytes]),
      [
        ["error \u001b[3", 65_536, 1_500_011],
        ["error \x00", 7, undefined],
        ["error \ufffd\ufffd", 8, undefined],
      ],
    );
  });

  it("goes on with a file that is renamed, compressed or removed while it is searched", async () => {
    const line = (n: number) => record(nowUs - (900 - n) * 1e6, `error ${n}`);
    const batch = (from: number) => Array.from({ length: 300 }, (_, n) => line(from + n)).join("");
    await write(logPath("a", "0.log.1"), batch(0));
    await write(logPath("a"), batch(300));
    // A clock may tell no two moments apart that are so near.
    for (const [name, us] of [
      ["0.log.1", 100],
      ["0.log", 400],
    ] as const)
      await utimes(logPath("a", name), (nowUs + us) / 1e6, (nowUs + us) / 1e6);
    const request = requestOf({ query: "error", limit: "10000" });
    const sources = await chosenSources(request, folders);
    // As the runtime rotates, after the files were listed.
    await rename(logPath("a", "0.log.1"), logPath("a", "0.log.2"));
    await rename(logPath("a"), logPath("a", "0.log.1"));
    await write(logPath("a"), "");
    const search = searchSources(sources, request, { folders, monotonicMs: () => 0 });
    const records: SearchRecord[] = [];
    for (const one of search) {
      records.push(one);
      if (records.length !== 100) continue;
      // The pod goes, and its logs are compressed.
      await keepPodLogs(folders, "shop_a_uid-a");
      const [kept] = await chosenSources(request, folders);
      for (const { path } of kept?.files ?? []) await compressLog(path);
    }
    assert.equal(new Set(entriesOf(records).map(({ text }) => text)).size, 600);
    await rm(folders.kept, { recursive: true });
    const gone = [...searchSources(sources, request, { folders, monotonicMs: () => 0 })];
    assert.equal(entriesOf(gone).length, 0);
  });

  it("reads compressed files up to where they are torn", async () => {
    const lines = Array.from({ length: 3_000 }, (_, n) =>
      record(nowUs - 3000e6 + n * 1e6, `error ${n} ${"v".repeat(80)}`),
    );
    await write(logPath("a"), lines.join(""));
    await keepPodLogs(folders, "shop_a_uid-a");
    const [source] = await chosenSources(requestOf({}), folders);
    const path = (await compressLog(source?.files[0]?.path ?? "")) ?? "";
    const whole = await texts({ query: "error", limit: "10000" });
    assert.equal(whole.length, 3_000);
    const [file] = (await chosenSources(requestOf({}), folders))[0]?.files ?? [];
    await truncate(path, (file?.sizeBytes ?? 0) - 5);
    const torn = await texts({ query: "error", limit: "10000", order: "oldest" });
    assert.ok(torn.length > 1_000 && torn.length < 3_000, String(torn.length));
    assert.deepEqual(torn, whole.reverse().slice(0, torn.length));
  });

  it("finds components' lines, those without a time with the one before", async () => {
    const at = (us: number) => timestamp(us).replace(/\d{3}Z$/, "Z");
    await write(
      join(root, "components", "scheduler.log"),
      `${at(nowUs - 9e6)} error scheduler: it broke\n    at somewhere\n{"ts":"${at(nowUs - 8e6)}","level":"warn","msg":"x"}\n`,
    );
    assert.deepEqual(await texts({ source: "components", query: "level=error" }), [
      `${at(nowUs - 9e6)} error scheduler: it broke`,
    ]);
    const [stack] = entriesOf(await found({ source: "components", query: "somewhere" }));
    assert.equal(stack?.time, timestamp(nowUs - 9e6));
    assert.equal((await texts({ source: "components", component: "other" })).length, 0);
  });

  it("follows: what comes in files that are there, go on in others or are new, once", async () => {
    let wallMs = nowMs;
    let looks = 0;
    const steps: (() => Promise<unknown>)[] = [
      () => appendFile(logPath("a"), record(nowUs + 1e6, "error 2")),
      async () => {
        await rename(logPath("a"), logPath("a", "0.log.1"));
        await write(logPath("a"), record(nowUs + 2e6, "error 3"));
      },
      () => write(logPath("b"), record(nowUs + 3e6, "error 4")),
    ];
    await write(logPath("a"), record(nowUs - 60e6, "error 0") + record(nowUs - 1e6, "error 1"));
    const request = requestOf({ follow: "true", since: "30s", query: "error" });
    const records = followSearch(request, {
      folders,
      monotonicMs: () => 0,
      wallMs: () => wallMs,
      sleep: async () => {
        wallMs += 250;
        looks += 1;
        if (looks % 8 === 0) await steps.shift()?.();
      },
    });
    const shown: string[] = [];
    for await (const one of records) {
      if ("entry" in one) shown.push(one.entry.text);
      if (looks > 60) break;
    }
    assert.deepEqual(shown, ["error 1", "error 2", "error 3", "error 4"]);
  });
});
