import assert from "node:assert/strict";
import type { Secret, ServiceAccount } from "../../../client/types.ts";
import { planTokenSecret } from "./plan-token-secret.ts";

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
});
