import assert from "node:assert/strict";
import fc from "fast-check";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import type { Secret, ServiceAccount } from "../../../client/types.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { meta, nowMs } from "../testing/objects.ts";
import { timeText } from "../times.ts";
import { legacyTokenCleanerController } from "./legacy-token-cleaner-controller.ts";
import {
  dateText,
  invalidSinceLabel,
  type LegacyTokensSeen,
  lastUsedLabel,
  planLegacyTokens,
} from "./plan-legacy-tokens.ts";

const dayMs = 86_400_000;
const daysAgo = (days: number) => dateText(nowMs - days * dayMs);
const account = { metadata: meta("sa"), secrets: [{ name: "t" }] } as ServiceAccount;
const token = (labels: Record<string, string> = {}, createdDays = 1000, name = "t") =>
  ({
    type: "kubernetes.io/service-account-token",
    metadata: meta(name, {
      labels,
      creationTimestamp: timeText(nowMs - createdDays * dayMs),
      annotations: { "kubernetes.io/service-account.name": "sa" },
    }),
  }) as Secret;
const steps = (secret: Secret, more: Partial<LegacyTokensSeen> = {}) =>
  planLegacyTokens({
    secrets: [secret],
    account: (_, name) => (name === "sa" ? account : undefined),
    isMounted: () => false,
    trackedSince: daysAgo(500),
    periodMs: 365 * dayMs,
    nowMs,
    ...more,
  }).map(({ step }) => step);

describe("tokens without an end that were made for their accounts", () => {
  it("are refused first, and deleted after another period", () => {
    assert.deepEqual(steps(token()), ["invalidate"]);
    assert.deepEqual(steps(token({ [invalidSinceLabel]: "yesterday" })), ["invalidate"]);
    assert.deepEqual(steps(token({ [invalidSinceLabel]: daysAgo(300) })), []);
    assert.deepEqual(steps(token({ [invalidSinceLabel]: daysAgo(366) })), ["delete"]);
  });

  it("are left alone where they may be used, or somebody made them", () => {
    for (const secret of [
      token({ [lastUsedLabel]: daysAgo(300) }),
      token({ [lastUsedLabel]: "unreadable" }),
      token({}, 300),
      token({}, 1000, "other"),
      { ...token(), type: "Opaque" },
    ])
      assert.deepEqual(steps(secret), []);
    assert.deepEqual(steps(token(), { isMounted: () => true }), []);
    assert.deepEqual(steps(token(), { account: () => undefined }), []);
    assert.deepEqual(steps(token({ [lastUsedLabel]: daysAgo(400) })), ["invalidate"]);
  });

  it("are not judged before use has been noted for a whole period", () => {
    for (const trackedSince of [undefined, "never", daysAgo(365), daysAgo(10)])
      assert.deepEqual(steps(token(), { trackedSince }), []);
    assert.deepEqual(steps(token(), { trackedSince: daysAgo(367) }), ["invalidate"]);
  });

  it("are never deleted within a period of their last use, nor before they were refused for one", () => {
    const state = fc.record({
      used: fc.option(fc.nat(900)),
      invalid: fc.option(fc.nat(900)),
      created: fc.nat(1500),
    });
    fc.assert(
      fc.property(state, ({ used, invalid, created }) => {
        const labels = {
          ...(used !== null && { [lastUsedLabel]: daysAgo(used) }),
          ...(invalid !== null && { [invalidSinceLabel]: daysAgo(invalid) }),
        };
        const [step] = steps(token(labels, created));
        if (step === undefined) return;
        assert.ok(created >= 365 && (used === null || used > 365));
        if (step === "delete") assert.ok(invalid !== null && invalid > 365);
      }),
    );
  });

  it("are looked at once a day", async () => {
    const api = new FakeApi();
    const rigged = await controllerRig(legacyTokenCleanerController, {
      api,
      flags: ["--legacy-service-account-token-clean-up-period=24h"],
    });
    const since = dateText(rigged.clock.wallMs() - 10 * dayMs);
    await api.create(resources.configmaps, {
      metadata: { name: "kube-apiserver-legacy-service-account-token-tracking", namespace: "kube-system" },
      data: { since },
    });
    await api.create(resources.serviceaccounts, {
      metadata: { name: "sa", namespace: "default" },
      secrets: [{ name: "t" }],
    });
    const { type, metadata } = token();
    await api.create(resources.secrets, {
      type,
      metadata: { name: "t", namespace: "default", annotations: metadata.annotations ?? {} },
    } as Secret);
    const left = async () =>
      (await api.list(resources.secrets)).items[0]?.metadata.labels?.[invalidSinceLabel];
    for (let day = 0; day < 2; day++) {
      await rigged.settle();
      assert.equal(await left(), undefined, "too new");
      if (day === 0) await rigged.clock.advance(1000);
    }
    await rigged.clock.advance(2 * dayMs);
    await rigged.settle();
    assert.notEqual(await left(), undefined);
    await rigged.clock.advance(3 * dayMs);
    await rigged.settle();
    assert.deepEqual((await api.list(resources.secrets)).items, []);
    await rigged.stop();
  });

  it("are refused and deleted one by one: what fails for one holds up no other", async () => {
    const api = new FakeApi();
    const rigged = await controllerRig(legacyTokenCleanerController, {
      api,
      flags: ["--legacy-service-account-token-clean-up-period=24h"],
    });
    const at = (days: number) => dateText(rigged.clock.wallMs() - days * dayMs);
    await api.create(resources.configmaps, {
      metadata: { name: "kube-apiserver-legacy-service-account-token-tracking", namespace: "kube-system" },
      data: { since: at(10) },
    });
    const names = ["a", "b", "c"];
    const sa = { name: "sa", namespace: "default" };
    await api.create(resources.serviceaccounts, {
      metadata: sa,
      secrets: names.map((name) => ({ name })),
    });
    const creationTimestamp = timeText(rigged.clock.wallMs() - 10 * dayMs);
    for (const name of names) {
      const one = token({ [invalidSinceLabel]: at(5) }, 10, name);
      await api.create(resources.secrets, { ...one, metadata: { ...one.metadata, creationTimestamp } });
    }
    api.intercept = ({ verb, key }) =>
      verb === "delete" && key.endsWith("/a") ? Promise.reject(new Error("no")) : Promise.resolve(undefined);
    await assert.rejects(rigged.settle(), /no/);
    assert.deepEqual(
      api.all(resources.secrets).map(({ metadata }) => metadata.name),
      ["a"],
    );
    await rigged.stop();
  });
});
