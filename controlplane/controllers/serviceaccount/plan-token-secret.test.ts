import assert from "node:assert/strict";
import fc from "fast-check";
import type { Secret, ServiceAccount } from "../../../client/types.ts";
import { planTokenSecret, withoutSecret } from "./plan-token-secret.ts";

const meta = { namespace: "n", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" };
const account = { metadata: { ...meta, name: "sa", uid: "u" } } as ServiceAccount;
const key = "kubernetes.io/service-account";
const secret = (more: Partial<Secret> = {}, annotations: Record<string, string> = {}) =>
  ({
    type: `${key}-token`,
    metadata: { ...meta, name: "s", uid: "x", annotations: { [`${key}.name`]: "sa", ...annotations } },
    ...more,
  }) as Secret;
const base64 = (text: string) => Buffer.from(text).toString("base64");
const sign = (claims: object) => JSON.stringify(claims);
const plan = (one: Secret, of: ServiceAccount | undefined = account) =>
  planTokenSecret(one, of, { caPem: "CA", sign });

describe("a secret for a service account's token", () => {
  it("gets the token, the authority and the namespace, and says of which account it is", () => {
    const made = plan(secret({ data: { own: "1" } }));
    assert.ok(made.action === "fill");
    const token = sign({
      iss: "kubernetes/serviceaccount",
      "kubernetes.io/serviceaccount/namespace": "n",
      "kubernetes.io/serviceaccount/secret.name": "s",
      "kubernetes.io/serviceaccount/service-account.name": "sa",
      "kubernetes.io/serviceaccount/service-account.uid": "u",
      sub: "system:serviceaccount:n:sa",
    });
    assert.deepEqual(made.secret.data, {
      own: "1",
      "ca.crt": base64("CA"),
      namespace: base64("n"),
      token: base64(token),
    });
    assert.equal(made.secret.metadata.annotations?.[`${key}.uid`], "u");
    assert.equal(plan(made.secret).action, "none");
  });

  it("keeps its token when only the authority is another", () => {
    const data = { token: base64("old"), namespace: base64("n"), "ca.crt": base64("old CA") };
    const made = plan(secret({ data }));
    assert.ok(made.action === "fill");
    assert.deepEqual(made.secret.data, { ...data, "ca.crt": base64("CA") });
  });

  it("goes with its account, and is not another's of the same name", () => {
    const gone = planTokenSecret(secret(), undefined, { caPem: undefined, sign });
    assert.equal(gone.action, "delete");
    assert.equal(plan(secret({}, { [`${key}.uid`]: "before" })).action, "delete");
    const ending = secret();
    ending.metadata.deletionTimestamp = "2026-01-01T00:00:00Z";
    assert.equal(planTokenSecret(ending, undefined, { caPem: undefined, sign }).action, "none");
  });

  it("in any state gets what it lacks once, keeps all else, and holds no token of another account", () => {
    const text = fc.constantFrom(undefined, "", base64("CA"), base64("old"));
    const data = fc.record({ "ca.crt": text, namespace: text, token: text, own: text });
    const uids = fc.constantFrom(undefined, "", "u", "before");
    fc.assert(
      fc.property(
        data,
        uids,
        fc.boolean(),
        fc.constantFrom(undefined, "CA"),
        (given, uid, isThere, caPem) => {
          const before = Object.fromEntries(
            Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
          );
          const one = secret({ data: before }, uid === undefined ? {} : { [`${key}.uid`]: uid });
          const of = isThere ? account : undefined;
          const step = planTokenSecret(one, of, { caPem, sign });
          assert.equal(step.action === "delete", !isThere || uid === "before");
          const after = step.action === "fill" ? step.secret : one;
          if (step.action === "delete") return;
          assert.deepEqual(planTokenSecret(after, of, { caPem, sign }), { action: "none" });
          assert.equal(after.data?.own, before.own);
          for (const name of ["token", "namespace"]) {
            assert.ok(after.data?.[name], name);
            if (before[name]) assert.equal(after.data[name], before[name]);
          }
          assert.equal(after.data?.["ca.crt"], caPem === undefined ? before["ca.crt"] : base64(caPem));
          if (step.action === "fill") assert.equal(after.metadata.annotations?.[`${key}.uid`], "u");
        },
      ),
    );
  });

  it("leaves its account's list when it goes, and no other's", () => {
    const listing = { ...account, secrets: [{ name: "s" }, { name: "t" }] } as ServiceAccount;
    assert.deepEqual(withoutSecret(listing, "s", "u")?.secrets, [{ name: "t" }]);
    assert.deepEqual(withoutSecret(listing, "s", "")?.secrets, [{ name: "t" }]);
    assert.equal(withoutSecret(listing, "s", "before"), undefined);
    assert.equal(withoutSecret(listing, "other", "u"), undefined);
    assert.equal(withoutSecret(account, "s", "u"), undefined);
  });
});
