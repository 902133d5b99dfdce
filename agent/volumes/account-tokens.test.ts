import { strict as assert } from "node:assert";
import { silentLog } from "../../base/os/log.ts";
import type { ApiClient } from "../../client/api.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import type { KubeObject, Pod } from "../../client/types.ts";
import { AccountTokens } from "./account-tokens.ts";

const pod = {
  metadata: { name: "p", namespace: "n", uid: "u" },
  spec: { serviceAccountName: "sa", containers: [] },
} as unknown as Pod;
const hourSeconds = 3600;

describe("the tokens of a node's pods", () => {
  let clock: ManualClock;
  let asked: { readonly ref: object; readonly body: { readonly spec: object } }[];
  let stale: string[];
  let fails: boolean;
  let tokens: AccountTokens;
  beforeEach(() => {
    clock = new ManualClock();
    asked = [];
    stale = [];
    fails = false;
    const createSubresource: ApiClient["createSubresource"] = async (_, ref, subresource, body) => {
      assert.equal(subresource, "token");
      if (fails) throw new Error("the API is away");
      const { spec } = body as { readonly spec: { readonly expirationSeconds: number } };
      asked.push({ ref, body: body as { readonly spec: object } });
      const expirationTimestamp = new Date(clock.wallMs() + spec.expirationSeconds * 1000).toISOString();
      return { spec, status: { token: `t${asked.length}`, expirationTimestamp } } as unknown as KubeObject;
    };
    const client = { createSubresource } as ApiClient;
    tokens = new AccountTokens({ client, clock, random: { uint32: () => 0 }, log: silentLog }, (uid) =>
      stale.push(uid),
    );
  });
  const get = (lifeSeconds = hourSeconds, audience = "") => tokens.token(pod, { audience, lifeSeconds });

  it("are asked for the pod's account, bound to the pod", async () => {
    assert.equal(await get(hourSeconds, "vault"), "t1");
    assert.deepEqual(asked, [
      {
        ref: { namespace: "n", name: "sa" },
        body: {
          apiVersion: "authentication.k8s.io/v1",
          kind: "TokenRequest",
          spec: {
            audiences: ["vault"],
            expirationSeconds: hourSeconds,
            boundObjectRef: { apiVersion: "v1", kind: "Pod", name: "p", uid: "u" },
          },
        },
      },
    ]);
  });

  it("are kept, and replaced when four fifths of their life are over", async () => {
    assert.deepEqual([await get(), await get()], ["t1", "t1"]);
    await clock.advance(0.8 * hourSeconds * 1000 - 1);
    assert.deepEqual([await get(), stale], ["t1", []]);
    await clock.advance(1);
    assert.deepEqual(stale, ["u"]);
    assert.equal(await get(), "t2");
  });

  it("are used for a day at most, however long they live", async () => {
    const yearSeconds = 365 * 24 * hourSeconds;
    assert.equal(await get(yearSeconds), "t1");
    await clock.advance(24 * hourSeconds * 1000);
    assert.deepEqual(stale, ["u"]);
    assert.equal(await get(yearSeconds), "t2");
  });

  it("that cannot be replaced are used to their end, with an attempt each minute", async () => {
    await get();
    await clock.advance(0.8 * hourSeconds * 1000);
    fails = true;
    assert.equal(await get(), "t1");
    stale.length = 0;
    await clock.advance(60_000);
    assert.deepEqual(stale, ["u"]);
    await clock.advance(0.2 * hourSeconds * 1000);
    await assert.rejects(get(), /failed to fetch token: the API is away/);
    fails = false;
    assert.equal(await get(), "t2");
  });

  it("are separate for each audience and life, and forgotten with the pod", async () => {
    assert.deepEqual([await get(), await get(600), await get(600, "x")], ["t1", "t2", "t3"]);
    tokens.forget("u");
    await clock.advance(24 * hourSeconds * 1000);
    assert.deepEqual(stale, []);
    assert.equal(await get(), "t4");
    tokens.stop();
  });
});
