import assert from "node:assert/strict";
import { type Deferred, deferred } from "../../../base/deferred.ts";
import type { Clock } from "../../../base/os/clock.ts";
import { silentLog } from "../../../base/os/log.ts";
import { RemoteRefusal } from "../authentication/remote-json.ts";
import { AuditWebhook } from "./webhook.ts";
import type { AuditWebhookConfig } from "./webhook-flags.ts";

const config: AuditWebhookConfig = {
  url: "https://audit.example.com/events",
  access: {},
  bearerToken: "secret",
  mode: "batch",
  initialBackoffMs: 1000,
  bufferEventsMax: 10,
  batchEventsMax: 3,
  batchWaitMs: 30_000,
  throttle: undefined,
  truncate: undefined,
};
const line = (n: number, more: object = {}) => `${JSON.stringify({ kind: "Event", n, ...more })}\n`;
const turns = async () => {
  for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
};

describe("audit events sent to a server", () => {
  const build = (change: Partial<AuditWebhookConfig> = {}) => {
    const sent: { readonly events: readonly { readonly n: number }[]; readonly answer: Deferred<void> }[] =
      [];
    const lost: string[] = [];
    const timers = new Set<{ readonly ms: number; readonly fire: () => void }>();
    let nowMs = 0;
    const clock: Clock = {
      monotonicMs: () => nowMs,
      wallMs: () => nowMs,
      after: (ms, fire) => {
        const timer = { ms, fire };
        timers.add(timer);
        return () => void timers.delete(timer);
      },
    };
    const webhook = new AuditWebhook(
      { ...config, ...change },
      {
        remote: {
          ask: ({ url, body = "", headers }) => {
            assert.deepEqual([url, headers?.Authorization], [config.url, "Bearer secret"]);
            const list = JSON.parse(body);
            assert.deepEqual([list.kind, list.apiVersion], ["EventList", "audit.k8s.io/v1"]);
            const answer = deferred<void>();
            sent.push({ events: list.items, answer });
            return answer.promise;
          },
        },
        clock,
        random: { uint32: () => 0 },
        log: silentLog,
        failed: (plugin, events) => lost.push(`${plugin} ${events}`),
      },
    );
    /** Lets the timers of that length fire. */
    const pass = async (ms: number) => {
      nowMs += ms;
      for (const timer of [...timers]) if (timer.ms === ms && timers.delete(timer)) timer.fire();
      await turns();
    };
    const numbers = () => sent.map(({ events }) => events.map(({ n }) => n));
    return { webhook, sent, lost, pass, numbers, waits: () => [...timers].map(({ ms }) => ms) };
  };

  it("go together, when there are enough of them or the first has waited long enough", async () => {
    const { webhook, numbers, pass } = build();
    for (let n = 0; n < 4; n++) assert.equal(webhook.write(line(n)), undefined);
    await turns();
    assert.deepEqual(numbers(), [[0, 1, 2]]);
    webhook.write(line(4));
    await turns();
    assert.equal(numbers().length, 1);
    await pass(30_000);
    assert.deepEqual(numbers(), [
      [0, 1, 2],
      [3, 4],
    ]);
  });

  it("are tried five times while the server is broken, then lost and counted; a refusal is final", async () => {
    const { webhook, sent, lost, pass } = build({ batchEventsMax: 1 });
    webhook.write(line(0));
    await turns();
    for (const pauseMs of [1000, 1500, 2250, 3375]) {
      sent.at(-1)?.answer.reject(new RemoteRefusal(503));
      await turns();
      await pass(pauseMs);
    }
    assert.deepEqual([sent.length, lost], [5, []]);
    sent.at(-1)?.answer.reject(new Error("connection refused"));
    await turns();
    assert.deepEqual(lost, ["webhook 1"]);
    webhook.write(line(1));
    await turns();
    sent.at(-1)?.answer.reject(new RemoteRefusal(403));
    await turns();
    assert.deepEqual([sent.length, lost], [6, ["webhook 1", "webhook 1"]]);
  });

  it("wait in a buffer of bounded length behind a server that hangs; the rest is dropped and counted", async () => {
    const { webhook, sent, lost } = build({ batchEventsMax: 1 });
    // Sixteen are on their way, ten wait.
    for (let n = 0; n < 16; n++) {
      webhook.write(line(n));
      await turns();
    }
    for (let n = 16; n < 40; n++) webhook.write(line(n));
    await turns();
    assert.equal(sent.length, 16);
    assert.deepEqual(lost.length, 40 - 16 - 10);
    assert.ok(lost.every((text) => text === "buffered 1"));
    sent[0]?.answer.resolve();
    await turns();
    assert.equal(sent.length, 17);
  });

  it("are no more a second than the throttle says", async () => {
    const { webhook, sent, waits, pass } = build({ batchEventsMax: 1, throttle: { perSecond: 2, burst: 2 } });
    for (let n = 0; n < 3; n++) webhook.write(line(n));
    await turns();
    assert.equal(sent.length, 2);
    assert.ok(waits().includes(500));
    await pass(500);
    assert.equal(sent.length, 3);
  });

  it("hold up requests in the blocking modes, which fail in the strict one alone, and never wait for ever", async () => {
    for (const [mode, afterFailure] of [
      ["blocking", true],
      ["blocking-strict", false],
    ] as const) {
      const { webhook, sent, pass } = build({ mode });
      const taken = webhook.write(line(0));
      await turns();
      sent[0]?.answer.resolve();
      assert.equal(await taken, true);
      const refused = webhook.write(line(1));
      await turns();
      sent[1]?.answer.reject(new RemoteRefusal(400));
      assert.equal(await refused, afterFailure);
      const hanging = webhook.write(line(2));
      await pass(30_000);
      assert.equal(await hanging, afterFailure);
    }
  });

  it("lose their objects where they are too large, and are dropped where that is not enough", async () => {
    const truncate = { eventBytesMax: 100, batchBytesMax: 1000 };
    const { webhook, sent, lost } = build({ batchEventsMax: 1, truncate });
    webhook.write(line(0, { requestObject: "x".repeat(200) }));
    webhook.write(line(1, { verb: "x".repeat(200) }));
    await turns();
    assert.deepEqual(sent[0]?.events, [
      { kind: "Event", n: 0, annotations: { "audit.k8s.io/truncated": "true" } },
    ]);
    assert.deepEqual([sent.length, lost], [1, ["truncate 1"]]);
  });

  it("are sent a last time at the end, which waits for no pause and not for ever", async () => {
    const { webhook, numbers, sent, lost, pass } = build();
    webhook.write(line(0));
    webhook.write(line(1));
    const closed = webhook.close();
    await turns();
    assert.deepEqual(numbers(), [[0, 1]]);
    await pass(5000);
    await closed;
    assert.deepEqual([sent.length, lost], [1, ["webhook 2"]]);
  });
});
