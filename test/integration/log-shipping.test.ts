import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chance, Prng } from "../../base/os/random.ts";
import { httpReceiver, type Posted } from "../../shipping/testing/http-receiver.ts";

const linesEach = 26_000;
const containers = ["a", "b", "c", "d"];
const rounds = 13;
const rotateBytes = 256 * 1024;

/** What a receiver has of each container, in the order in which it came for the first time. */
class Taken {
  readonly ids = new Set<string>();
  readonly lines = new Map<string, string[]>();
  doubles = 0;

  add(container: string, id: string, line: string): void {
    if (this.ids.has(id)) {
      this.doubles++;
      return;
    }
    this.ids.add(id);
    const lines = this.lines.get(container) ?? [];
    if (lines.length === 0) this.lines.set(container, lines);
    lines.push(line);
  }
}

const hashOf = (lines: readonly string[]) => createHash("sha256").update(lines.join("\n")).digest("hex");

describe("shipping of 104,000 lines", function () {
  this.timeout(90_000);
  let rootDir: string;
  let child: ChildProcess | undefined;
  beforeEach(() => {
    rootDir = mkdtempSync(join(tmpdir(), "pintle-shipping-"));
  });
  afterEach(async () => {
    await kill();
    rmSync(rootDir, { recursive: true, force: true });
  });

  const kill = async () => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, "exit");
    running.kill("SIGKILL");
    await ended;
  };
  const start = async (file: string) => {
    const program = join(import.meta.dirname, "log-shipper.ts");
    child = fork(program, [rootDir, file], { execArgv: ["--import", "tsx"], stdio: "inherit" });
    await once(child, "message");
  };

  it("reaches a receiver that comes and goes, over kills and rotation, in order and with nothing lost", async () => {
    const random = new Prng(38);
    const taken = new Taken();
    let wake: () => void = () => undefined;
    let isUp = true;
    let failures = 0.2;
    const take = ({ body }: Posted) => {
      const failed = chance(random, failures);
      if (!isUp || (failed && chance(random, 0.3))) return undefined;
      if (failed && chance(random, 0.4)) return { status: chance(random, 0.5) ? 503 : 429, body: "busy" };
      const answer = bulk(body, taken, (failed && 0.1) || 0);
      wake();
      // It has them, and whoever sent them does not hear of it.
      return failed && chance(random, 0.5) ? undefined : answer;
    };
    const bulk = (body: Buffer, into: Taken, busy: number) => {
      const lines = body.toString("utf8").trimEnd().split("\n");
      const items = [];
      let errors = false;
      // From the first that it has no room for it takes none: each container's lines stay in order.
      let isBusy = false;
      for (let at = 0; at < lines.length; at += 2) {
        isBusy ||= chance(random, busy / 100);
        errors ||= isBusy;
        items.push({ create: { status: isBusy ? 429 : 201 } });
        if (isBusy) continue;
        const { _id: id } = (JSON.parse(lines[at] ?? "") as { create: { _id: string } }).create;
        const { message, kubernetes } = JSON.parse(lines[at + 1] ?? "");
        into.add(kubernetes.container.name, id, message);
      }
      return { status: 200, body: JSON.stringify({ errors, items }) };
    };
    const receiver = await httpReceiver(take);
    try {
      const file = join(rootDir, "shipping.yaml");
      writeFileSync(
        file,
        `apiVersion: pintle.dev/v1alpha1
kind: LogShipping
receivers:
- name: search
  elasticsearch: { url: "http://127.0.0.1:${receiver.port}", timeout: 5s }
  batch: { maxWait: 100ms }
  retry: { firstWait: 5ms, maxWait: 100ms }
  buffer: { maxBytes: 8Mi }
`,
      );
      const written = new Map<string, string[]>(containers.map((name) => [name, []]));
      await start(file);
      for (let round = 0; round < rounds; round++) {
        for (const name of containers) writeSome(rootDir, name, written.get(name) ?? [], random);
        if (round % 6 === 3) {
          await kill();
          await start(file);
        }
        isUp = round % 6 !== 4;
        const before = taken.ids.size;
        // As much as it takes, so that files that went on are read before their runtime drops them.
        if (isUp) while (taken.ids.size < before + 2_000 && taken.ids.size < count(written)) await woken();
      }
      isUp = true;
      failures = 0.05;
      while (taken.ids.size < count(written)) await woken();
      for (const name of containers) {
        const [wanted = [], found = []] = [written.get(name), taken.lines.get(name)];
        assert.equal(found.length, wanted.length, name);
        assert.equal(hashOf(found), hashOf(wanted), name);
      }
      assert.equal(count(written), containers.length * linesEach);
      assert.ok(taken.doubles > 0, "some came twice: their answers were lost");
    } finally {
      await receiver.close();
    }

    function woken(): Promise<void> {
      return new Promise((resolve) => {
        wake = resolve;
      });
    }
  });
});

const count = (written: ReadonlyMap<string, readonly string[]>) =>
  [...written.values()].reduce((sum, lines) => sum + lines.length, 0);

/** Adds to a container's log, which goes on in another file when it is long enough, as a runtime's does. */
function writeSome(rootDir: string, name: string, written: string[], random: Prng): void {
  const folder = join(rootDir, "logs", "shop_web_u1", name);
  mkdirSync(folder, { recursive: true });
  const log = join(folder, "0.log");
  const pieces: string[] = [];
  for (let at = 0; at < linesEach / rounds; at++) {
    const text = `${name} ${written.length} ${"payload ".repeat(1 + (random.uint32() % 6))}`;
    written.push(text);
    const time = new Date(Date.UTC(2026, 0, 1) + written.length).toISOString();
    const isSplit = chance(random, 0.02);
    if (!isSplit) pieces.push(`${time} stdout F ${text}\n`);
    else pieces.push(`${time} stdout P ${text.slice(0, 5)}\n`, `${time} stdout F ${text.slice(5)}\n`);
  }
  appendFileSync(log, pieces.join(""));
  if (statSync(log).size < rotateBytes) return;
  for (let number = 40; number > 0; number--)
    if (statSync(`${log}.${number}`, { throwIfNoEntry: false }))
      renameSync(`${log}.${number}`, `${log}.${number + 1}`);
  renameSync(log, `${log}.1`);
  writeFileSync(log, "");
}
