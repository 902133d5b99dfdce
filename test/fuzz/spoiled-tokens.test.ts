import assert from "node:assert/strict";
import fc from "fast-check";
import { signJws } from "../../base/os/jws.ts";
import type { SigningKey } from "../../base/os/signing-keys.ts";
import {
  issuingConfig,
  newSigningKey,
  testIssuer,
} from "../../controlplane/apiserver/authentication/testing.ts";
import { startTestApiserver, type TestApiserver } from "../../controlplane/apiserver/testing.ts";
import { configMap, configMaps } from "../../controlplane/apiserver/testing-objects.ts";
import { assertAnsweredWell } from "./answered-well.ts";
import { propertyMs, runs } from "./runs.ts";

type Json = { [name: string]: unknown };
const own = newSigningKey();
const others: readonly SigningKey[] = [newSigningKey().key, newSigningKey("rsa").key];

const text = (part: string) => Buffer.from(part, "base64url").toString();
const part = (said: string) => Buffer.from(said).toString("base64url");
const jsonOf = (one: string): Json => JSON.parse(text(one));

/** A header or claims, written by hand so that they may say what JSON.stringify does not. */
const oddMembers = fc.constantFrom(
  ...['"alg":"none"', '"alg":"HS256"', '"alg":"RS256"', '"alg":""', '"alg":null', '"alg":["ES256"]'],
  ...['"alg":"constructor"', '"alg":"es256"', '"kid":1', '"kid":"../../dev/null"', '"kid":"constructor"'],
  ...[
    '"kid":"\\u0000"',
    '"kid":""',
    '"jwk":{"kty":"oct","k":""}',
    '"jku":"http://127.0.0.1/"',
    '"x5c":["x"]',
  ],
  ...['"crit":["exp"]', '"b64":false', '"zip":"DEF"', '"typ":{}', '"__proto__":{"alg":"none"}'],
  ...['"exp":99999999999', '"exp":"99999999999"', '"exp":1e400', '"nbf":-1', '"iat":null', '"sub":1'],
  ...['"iss":["x"]', '"iss":""', '"aud":{}', '"aud":[1]', '"kubernetes.io":null', '"kubernetes.io":[]'],
  ...['"\\ud800":"\\udfff"', '"é\u202e":"😀"', '"":""'],
);
const spoiled = fc.oneof(
  fc.constantFrom(
    "",
    ".",
    "..",
    "...",
    "a.b",
    "a.b.c",
    "e30.e30.",
    "e30.e30.e30",
    "W10.W10.",
    "bnVsbA.bnVsbA.",
  ),
  fc.string({ unit: "binary", maxLength: 60 }).map((said) => `${part(said)}.${part(said)}.${part(said)}`),
  fc.stringMatching(/^[!-~]{1,80}$/),
  fc.nat(70_000).map((length) => `${"e".repeat(length)}.e30.e30`),
  fc.nat(30_000).map((depth) => `${part("[".repeat(depth))}.e30.e30`),
);

/** A token whose bytes are not those of the one given. */
const changed = (token: string) => {
  const [head = "", body = "", tail = ""] = token.split(".");
  const inserted = (one: string, members: string, isFirst: boolean) => {
    const said = text(one);
    return part(isFirst ? `{${members},${said.slice(1)}` : `${said.slice(0, -1)},${members}}`);
  };
  return fc.oneof(
    spoiled,
    fc.nat(token.length - 1).map((at) => token.slice(0, at)),
    fc.tuple(fc.nat(token.length - 1), fc.stringMatching(/^[A-Za-z0-9_.=+/-]$/)).map(([at, one]) => {
      return token.slice(0, at) + one + token.slice(at + 1);
    }),
    fc
      .tuple(oddMembers, fc.boolean())
      .map(([one, isFirst]) => `${inserted(head, one, isFirst)}.${body}.${tail}`),
    fc
      .tuple(oddMembers, fc.boolean())
      .map(([one, isFirst]) => `${head}.${inserted(body, one, isFirst)}.${tail}`),
    fc
      .constantFrom("none", "None", "HS256", "ES256", "")
      .map((alg) => `${part(JSON.stringify({ alg }))}.${body}.`),
    fc.constantFrom(...others).map((key) => signJws(jsonOf(body), key)),
    fc.constantFrom(...others).map((key) => signJws(jsonOf(body), { ...key, keyId: own.key.keyId })),
    fc.constantFrom(
      `${token}.`,
      `.${token}`,
      `${token}.${tail}`,
      `${token}=`,
      `${head}.${body}.`,
      `${tail}.${body}.${head}`,
    ),
  );
};

/** What the signature is over and what it is: base64 may say the same bytes in several ways. */
const meantBy = (token: string) => {
  const [head, body, tail = ""] = token.split(".");
  return `${head}.${body}.${Buffer.from(tail, "base64url").toString("hex")}`;
};

describe("spoiled tokens", function () {
  this.timeout(propertyMs);
  let server: TestApiserver;
  let token: string;
  before(async () => {
    server = await startTestApiserver({ config: { authentication: issuingConfig(own.pem) } });
    const accounts = "/api/v1/namespaces/default/serviceaccounts";
    await server.admin.call("POST", accounts, { body: { metadata: { name: "sa" } } });
    const asked = await server.admin.call("POST", `${accounts}/sa/token`, { body: {} });
    token = asked.body.status.token;
    for (const name of ["a", "b", "c"])
      await server.admin.call("POST", configMaps, { body: configMap(name, {}) });
  });
  after(() => server.stop());

  const whoIs = (said: string) =>
    server.stranger.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
      body: {},
      headers: { authorization: `Bearer ${said}` },
    });
  const reviewOf = (said: string) => {
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token: said } };
    return server.admin.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", { body });
  };
  const assertRefused = async (said: string) => {
    const review = await reviewOf(said);
    assertAnsweredWell(review, said);
    assert.notEqual(review.body.status?.authenticated, true, said);
    // What is longer than all headers may be is no request.
    if (said.length > 10_000 || said === "") return;
    const answer = await whoIs(said);
    assertAnsweredWell(answer, said);
    assert.equal(answer.code, 401, `${answer.code} ${said}`);
  };

  it("are nobody's, whatever is changed of one that holds", async () => {
    assert.equal((await whoIs(token)).code, 201);
    await fc.assert(
      fc.asyncProperty(changed(token), async (said) => {
        if (meantBy(said) !== meantBy(token)) await assertRefused(said);
      }),
      runs(150),
    );
    assert.equal((await whoIs(token)).code, 201);
  });

  it("are nobody's where the right key signs claims that do not hold", async () => {
    const good = jsonOf(token.split(".")[1] ?? "");
    const account = good["kubernetes.io"] as { readonly serviceaccount: Json };
    const now = Math.floor(Date.now() / 1000);
    const claims: readonly Json[] = [
      ...[now - 3600, 0, -1, "x", null, [], `${now + 3600}`].map((exp) => ({ exp })),
      ...[now + 3600, "0", {}].map((nbf) => ({ nbf })),
      ...[now + 3600, true].map((iat) => ({ iat })),
      ...["", "other", 1, null, [testIssuer], `${testIssuer}/`].map((iss) => ({ iss })),
      ...["other", ["other"], 1, {}, [1], [[testIssuer]], [`${testIssuer} `]].map((aud) => ({ aud })),
      ...[1, {}, null].flatMap((one) => [{ sub: one }, { jti: one }]),
      ...[null, [], "x", {}, { namespace: 1 }, { namespace: "default" }].map((one) => ({
        "kubernetes.io": one,
      })),
      ...["namespace", "pod", "secret", "node", "serviceaccount"].flatMap((name) =>
        [1, {}, { name: "sa", uid: "" }, { name: "constructor", uid: "x" }, "__proto__"].map((one) => ({
          "kubernetes.io": { ...account, [name]: one },
        })),
      ),
    ];
    for (const one of claims) await assertRefused(signJws({ ...good, ...one }, own.key));
    assert.equal((await whoIs(signJws(good, own.key))).code, 201);
  });

  it("of a list's next part are refused or read, whatever they say", async () => {
    const { body } = await server.admin.call("GET", `${configMaps}?limit=1`);
    const next: string = body.metadata.continue;
    const said = jsonOf(next);
    const value = fc.oneof(
      fc.constantFrom<unknown>(
        null,
        true,
        -1,
        0,
        1.5,
        2 ** 63,
        "",
        "/",
        "..",
        "../../x",
        "\0",
        "é",
        [],
        {},
        "a\0",
      ),
      fc.jsonValue({ maxDepth: 2 }),
      fc.string({ unit: "binary" }),
    );
    const token = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: "binary" }).map(part),
      fc.nat(next.length).map((at) => next.slice(0, at)),
      fc.tuple(fc.nat(next.length), fc.stringMatching(/^[A-Za-z0-9_=+/-]$/)).map(([at, one]) => {
        return next.slice(0, at) + one + next.slice(at + 1);
      }),
      fc.tuple(fc.constantFrom("__proto__", "v", ...Object.keys(said)), value).map(([name, one]) => {
        return part(JSON.stringify({ ...said, [name]: one }));
      }),
      value.map((one) => part(JSON.stringify(one))),
    );
    await fc.assert(
      fc.asyncProperty(token, fc.constantFrom("", "&limit=1", "&resourceVersion=1"), async (one, more) => {
        const answer = await server.admin.call(
          "GET",
          `${configMaps}?continue=${encodeURIComponent(one)}${more}`,
        );
        assertAnsweredWell(answer, one);
        assert.ok([200, 400, 410].includes(answer.code), `${answer.code} ${answer.text} ${one}`);
        for (const { metadata } of answer.body.items ?? []) assert.equal(metadata.namespace, "default");
      }),
      runs(150),
    );
  });

  it("that are resource versions are refused or read, whatever they say", async () => {
    const version = fc.oneof(
      fc.constantFrom(
        "-1",
        "-0",
        "00",
        "+1",
        "1.0",
        "1e3",
        "0x1",
        " 1",
        "1 ",
        "1_0",
        "٣",
        "NaN",
        "null",
        "[]",
      ),
      fc.constantFrom("18446744073709551616", "1".repeat(400), "constructor", "0"),
      fc.string({ unit: "binary" }),
      fc.nat(3).map(String),
    );
    const match = fc.constantFrom("", "Exact", "NotOlderThan", "exact", "constructor", "__proto__");
    await fc.assert(
      fc.asyncProperty(version, match, fc.constantFrom("", "/a"), async (said, how, name) => {
        const query = new URLSearchParams({
          resourceVersion: said,
          ...(how && { resourceVersionMatch: how }),
        });
        const answer = await server.admin.call("GET", `${configMaps}${name}?${query}`);
        assertAnsweredWell(answer, `${query}`);
        const isNumber = said === "" || /^\d+$/.test(said);
        if (!isNumber) assert.notEqual(answer.code, 200, `${query}`);
      }),
      runs(100),
    );
  });
});
