import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import type { ConfigMap, Secret } from "../../../client/types.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { timeText } from "../times.ts";
import { detachedSignature, remainingMs, signingToken } from "./bootstrap-token.ts";
import { bootstrapSignerController, tokenCleanerController } from "./bootstrap-token-controllers.ts";
import { planSignatures } from "./plan-signatures.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");
const nowMs = Date.UTC(2026, 0, 1);

function token(
  id: string,
  fields: Readonly<Record<string, string | undefined>> = {},
  name = `bootstrap-token-${id}`,
) {
  const all = {
    "token-id": id,
    "token-secret": "0123456789abcdef",
    "usage-bootstrap-signing": "true",
    ...fields,
  };
  const data = Object.fromEntries(
    Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, base64(value)]])),
  );
  return {
    metadata: { name, namespace: "kube-system", uid: id, resourceVersion: "1", creationTimestamp: "" },
    type: "bootstrap.kubernetes.io/token",
    data,
  } as unknown as Secret;
}
const info = (data: Record<string, string>) => ({ data }) as unknown as ConfigMap;

describe("bootstrap tokens", () => {
  it("sign as whoever knows the token can check", () => {
    const signature = detachedSignature("the text", { id: "abcdef", secret: "0123456789abcdef" });
    const [header = "", none, proof] = signature.split(".");
    assert.equal(Buffer.from(header, "base64url").toString(), '{"alg":"HS256","kid":"abcdef"}');
    assert.equal(none, "");
    const signed = `${header}.${Buffer.from("the text").toString("base64url")}`;
    assert.equal(proof, createHmac("sha256", "0123456789abcdef").update(signed).digest("base64url"));
  });

  it("are for signing only where they say so, by their own name, until their end", () => {
    assert.deepEqual(signingToken(token("abcdef"), nowMs), { id: "abcdef", secret: "0123456789abcdef" });
    const later = timeText(nowMs + 1000);
    assert.ok(signingToken(token("abcdef", { expiration: later }), nowMs));
    for (const wrong of [
      token("abcdef", { "usage-bootstrap-signing": undefined }),
      token("abcdef", { "token-secret": undefined }),
      token("abcdef", { "token-id": "ghijkl" }),
      token("abcdef", {}, "token-abcdef"),
      token("abcdef", { expiration: timeText(nowMs) }),
      token("abcdef", { expiration: "tomorrow" }),
    ])
      assert.equal(signingToken(wrong, nowMs), undefined);
    assert.equal(remainingMs(token("abcdef"), nowMs), undefined);
    assert.equal(remainingMs(token("abcdef", { expiration: later }), nowMs), 1000);
  });

  it("leave signatures by each of them beside what else the map holds, and no others", () => {
    const one = token("abcdef");
    const { data } = planSignatures(
      info({ kubeconfig: "k", note: "n", "jws-kubeconfig-gone00": "x" }),
      [one],
      nowMs,
    );
    assert.deepEqual(Object.keys(data ?? {}).sort(), ["jws-kubeconfig-abcdef", "kubeconfig", "note"]);
    assert.equal(planSignatures(info({ ...data }), [one], nowMs).data, undefined);
    assert.ok(planSignatures(info({ ...data, kubeconfig: "other" }), [one], nowMs).data);
    assert.equal(planSignatures(info({ note: "n" }), [one], nowMs).data, undefined);
  });

  const inSeconds = (rig: { clock: { wallMs(): number } }, seconds: number) =>
    timeText(rig.clock.wallMs() + seconds * 1000);

  it("take their signature with them when they end or go", async () => {
    const api = new FakeApi();
    await api.create(resources.configmaps, {
      metadata: { name: "cluster-info", namespace: "kube-public" },
      data: { kubeconfig: "k" },
    });
    const rig = await controllerRig(bootstrapSignerController, { api });
    const signatures = async () => {
      const { data } = await api.get(resources.configmaps, {
        name: "cluster-info",
        namespace: "kube-public",
      });
      return Object.keys(data ?? {}).filter((key) => key !== "kubeconfig");
    };
    for (const secret of [token("first0"), token("second", { expiration: inSeconds(rig, 60) })])
      await api.create(resources.secrets, secret);
    await rig.settle();
    assert.deepEqual((await signatures()).sort(), ["jws-kubeconfig-first0", "jws-kubeconfig-second"]);
    await rig.clock.advance(61_000);
    await rig.settle();
    assert.deepEqual(await signatures(), ["jws-kubeconfig-first0"]);
    await api.delete(resources.secrets, { name: "bootstrap-token-first0", namespace: "kube-system" });
    await rig.settle();
    assert.deepEqual(await signatures(), []);
    await rig.stop();
  });

  it("are deleted once they have ended, and not before", async () => {
    const rig = await controllerRig(tokenCleanerController);
    const { api } = rig;
    const other = { ...token("opaque", { expiration: "past" }), type: "Opaque" };
    for (const secret of [
      token("never0"),
      token("later0", { expiration: inSeconds(rig, 60) }),
      token("broken", { expiration: "soon" }),
      other,
    ])
      await api.create(resources.secrets, secret);
    const left = async () =>
      (await api.list(resources.secrets)).items.map(({ metadata }) => metadata.name.slice(16)).sort();
    await rig.settle();
    assert.deepEqual(await left(), ["later0", "never0", "opaque"]);
    await rig.clock.advance(60_000);
    await rig.settle();
    assert.deepEqual(await left(), ["never0", "opaque"]);
    await rig.stop();
  });
});
