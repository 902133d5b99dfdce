import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { signJws } from "../../../base/os/jws.ts";
import { createAuthority } from "../../../base/os/pki.ts";
import { startTestApiserver, type TestAnswer, type TestApiserver } from "../testing.ts";
import { parseTokenFile } from "./static-tokens.ts";
import { issuingConfig, newSigningKey, testIssuer } from "./testing.ts";

const reviews = "/apis/authentication.k8s.io/v1/tokenreviews";
const whoAmI = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const namespace = "/api/v1/namespaces/default";
const { pem, key } = newSigningKey("rsa");

describe("bearer tokens", () => {
  let server: TestApiserver;
  let uid: string;
  before(async () => {
    const staticTokens = parseTokenFile('tok,jane,7,"dev,ops"\nplain,bob,8\n');
    const authentication = issuingConfig(pem, { staticTokens, bootstrapTokens: true });
    server = await startTestApiserver({ config: { authentication } });
    const made = await server.admin.call("POST", `${namespace}/serviceaccounts`, {
      body: { metadata: { name: "sa" } },
    });
    uid = made.body.metadata.uid;
  });
  after(() => server.stop());

  const review = async (token: string, audiences?: readonly string[]): Promise<TestAnswer> =>
    server.admin.call("POST", reviews, { body: { spec: { token, ...(audiences && { audiences }) } } });
  const errorOf = async (token: string, audiences?: readonly string[]) => {
    const { status } = (await review(token, audiences)).body;
    assert.deepEqual([status.authenticated, status.user], [undefined, {}]);
    return status.error as string;
  };
  const nowSeconds = () => Math.floor(Date.now() / 1000);
  const claims = (more: object = {}, own: object = {}) => ({
    iss: testIssuer,
    aud: [testIssuer],
    sub: "system:serviceaccount:default:sa",
    iat: nowSeconds(),
    nbf: nowSeconds(),
    exp: nowSeconds() + 3600,
    "kubernetes.io": { namespace: "default", serviceaccount: { name: "sa", uid }, ...own },
    ...more,
  });
  const signer = { key: key.key, keyId: key.keyId, algorithm: key.algorithm };
  const signed = (more: object = {}, own: object = {}) => signJws(claims(more, own), signer);
  const make = async (plural: string, body: object) => {
    const answer = await server.admin.call("POST", `${namespace}/${plural}`, { body });
    assert.equal(answer.code, 201, answer.text);
    return answer.body.metadata.uid as string;
  };

  it("know users of the file of static tokens, with their groups", async () => {
    const who = async (authorization: string) => {
      const answer = await server.stranger.call("POST", whoAmI, { body: {}, headers: { authorization } });
      return answer.body.status?.userInfo;
    };
    assert.deepEqual(await who("Bearer tok"), {
      username: "jane",
      uid: "7",
      groups: ["dev", "ops", "system:authenticated"],
    });
    assert.deepEqual(await who("bearer plain"), {
      username: "bob",
      uid: "8",
      groups: ["system:authenticated"],
    });
    assert.equal(await who("Bearer to"), undefined);
  });

  // As kube-apiserver 1.36.3 answers.
  it("are judged by TokenReview as requests are", async () => {
    const { metadata, ...rest } = (await review("tok")).body;
    const [who] = metadata.managedFields;
    assert.deepEqual([who.operation, who.fieldsV1], ["Update", { "f:spec": { "f:token": {} } }]);
    assert.deepEqual(rest, {
      kind: "TokenReview",
      apiVersion: "authentication.k8s.io/v1",
      spec: { token: "tok" },
      status: {
        authenticated: true,
        user: { username: "jane", uid: "7", groups: ["dev", "ops", "system:authenticated"] },
        audiences: [testIssuer],
      },
    });
    assert.deepEqual((await review("tok", ["a"])).body.status, { user: {}, error: "invalid bearer token" });
    assert.deepEqual((await review("wrong")).body.status, { user: {}, error: "invalid bearer token" });
    const empty = await review("");
    assert.deepEqual(
      [empty.code, empty.body.message],
      [400, "token is required for TokenReview in authentication"],
    );
  });

  it("are good for the audiences that they name", async () => {
    assert.deepEqual((await review(signed())).body.status.audiences, [testIssuer]);
    const two = signed({ aud: ["vault", "db"] });
    assert.deepEqual((await review(two, ["db", "other"])).body.status.audiences, ["db"]);
    assert.equal(
      await errorOf(two),
      `[invalid bearer token, token audiences ["vault" "db"] is invalid for the target audiences ["${testIssuer}"]]`,
    );
    const headers = { authorization: `Bearer ${two}` };
    assert.equal((await server.stranger.call("GET", "/version", { headers })).code, 401);
  });

  it("hold in their time only, with a minute for clocks that differ", async () => {
    const at = (offset: number) => nowSeconds() + offset;
    assert.match(await errorOf(signed({ exp: at(-120) })), /service account token has expired/);
    assert.match(await errorOf(signed({ nbf: at(120) })), /service account token is not valid yet/);
    assert.match(await errorOf(signed({ iat: at(120) })), /service account token is issued in the future/);
    const near = signed({ exp: at(-30), nbf: at(30), iat: at(30) });
    assert.equal((await review(near)).body.status.authenticated, true);
  });

  it("of another issuer or another key are not known", async () => {
    assert.equal(await errorOf(signed({ iss: "https://other.test" })), "invalid bearer token");
    const foreign = newSigningKey("rsa").key;
    const byForeign = { key: foreign.key, keyId: foreign.keyId, algorithm: foreign.algorithm };
    assert.match(await errorOf(signJws(claims(), byForeign)), /invalid signature, no keys found/);
    const posing = signJws(claims(), { ...byForeign, keyId: key.keyId });
    assert.match(await errorOf(posing), /error in cryptographic primitive/);
  });

  it("without a signature, or signed with the public key as a secret, are not known", async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    for (const alg of ["none", "None", "NONE", ""]) {
      const text = `${part({ alg, kid: key.keyId })}.${part(claims())}`;
      assert.match(await errorOf(`${text}.`), /cryptographic primitive/, alg);
      assert.match(await errorOf(`${text}.AAAA`), /cryptographic primitive/, alg);
    }
    const publicPem = (await import("node:crypto"))
      .createPublicKey(pem)
      .export({ format: "pem", type: "spki" });
    for (const secret of [publicPem, pem, key.keyId]) {
      const text = `${part({ alg: "HS256", kid: key.keyId })}.${part(claims())}`;
      const signature = createHmac("sha256", secret).update(text).digest("base64url");
      assert.match(await errorOf(`${text}.${signature}`), /cryptographic primitive/);
    }
    // Our own key, but by an algorithm that it is not for.
    const padded = signJws(claims(), { ...signer, algorithm: "PS256" });
    assert.match(await errorOf(padded), /cryptographic primitive/);
    const [, body, signature] = signed().split(".");
    const [head] = signed().split(".");
    assert.match(await errorOf(`${head}.${part(claims({ sub: "admin" }))}.${signature}`), /cryptographic/);
    assert.equal(
      await errorOf(`${part({ alg: "RS256", crit: ["x"] })}.${body}.${signature}`),
      "invalid bearer token",
    );
  });

  it("are judged anew only where something changed that they rest on", async () => {
    const counted = async (status: string) => {
      const { text } = await server.admin.call("GET", "/metrics");
      const line = new RegExp(
        `^authentication_token_cache_request_total\\{status="${status}"\\} (\\d+)$`,
        "m",
      );
      return Number(line.exec(text)?.[1] ?? 0);
    };
    const token = signed({ jti: "often" });
    await review(token);
    // The first look had to load the cache.
    const more = async () => (await review(token)).body.status.authenticated;
    let hits = await counted("hit");
    while ((await more()) && (await counted("hit")) === hits);
    hits = await counted("hit");
    const misses = await counted("miss");
    for (let n = 0; n < 3; n++) assert.equal(await more(), true);
    assert.deepEqual([await counted("hit"), await counted("miss")], [hits + 3, misses]);
    await server.admin.call("PATCH", `${namespace}/serviceaccounts/sa`, {
      body: { metadata: { labels: { n: "1" } } },
      type: "application/merge-patch+json",
    });
    assert.equal(await more(), true);
    assert.deepEqual([await counted("hit"), await counted("miss")], [hits + 3, misses + 1]);
  });

  it("end with their account, and do not pass to one of the same name", async () => {
    const old = await make("serviceaccounts", { metadata: { name: "short" } });
    const token = signed(
      { sub: "system:serviceaccount:default:short" },
      { serviceaccount: { name: "short", uid: old } },
    );
    for (let n = 0; n < 3; n++) assert.equal((await review(token)).body.status.authenticated, true);
    await server.admin.call("DELETE", `${namespace}/serviceaccounts/short`);
    assert.match(await errorOf(token), /serviceaccounts "short" not found/);
    const fresh = await make("serviceaccounts", { metadata: { name: "short" } });
    assert.match(
      await errorOf(token),
      new RegExp(`service account UID \\(${fresh}\\) does not match claim \\(${old}\\)`),
    );
  });

  it("end with the pod, the secret or the node that they are bound to", async () => {
    const pod = (name: string) => ({
      metadata: { name },
      spec: { serviceAccountName: "sa", containers: [{ name: "c", image: "i" }] },
    });
    const bodies = { pod: pod("p"), secret: { metadata: { name: "p" } }, node: { metadata: { name: "p" } } };
    for (const what of ["pod", "secret", "node"] as const) {
      const path = what === "node" ? "/api/v1/nodes" : `${namespace}/${what}s`;
      const create = async () =>
        (await server.admin.call("POST", path, { body: bodies[what] })).body.metadata.uid as string;
      const bound = await create();
      const token = signed({}, { [what]: { name: "p", uid: bound } });
      for (let n = 0; n < 3; n++) assert.equal((await review(token)).body.status.authenticated, true, what);
      await server.admin.call("DELETE", `${path}/p?gracePeriodSeconds=0`);
      assert.match(await errorOf(token), /service account token has been invalidated/, what);
      const fresh = await create();
      const why = `${what} UID \\(${fresh}\\) does not match service account ${what} ref claim \\(${bound}\\)`;
      assert.match(await errorOf(token), new RegExp(why));
      await server.admin.call("DELETE", `${path}/p?gracePeriodSeconds=0`);
    }
  });

  const usesSince = async (before: Readonly<Record<string, number>> = {}) => {
    const { text } = await server.admin.call("GET", "/metrics");
    const found = text.matchAll(/^serviceaccount_(\w+)_total (\d+)$/gm);
    return Object.fromEntries(
      [...found].map(([, name = "", count]) => [name, Number(count) - (before[name] ?? 0)] as const),
    );
  };

  it("are counted by whether they should have been replaced by now", async () => {
    const before = await usesSince();
    for (const [name, warnafter] of [
      ["late", nowSeconds() - 10],
      ["soon", nowSeconds() + 1000],
      ["once", undefined],
    ] as const)
      assert.equal((await review(signed({ jti: name }, { warnafter }))).body.status.authenticated, true);
    const { stale_tokens, valid_tokens, legacy_tokens } = await usesSince(before);
    assert.deepEqual([stale_tokens, valid_tokens, legacy_tokens], [1, 1, 0]);
  });

  it("in secrets hold as long as the secret has them", async () => {
    const before = await usesSince();
    const secret = { name: "legacy", annotations: { "kubernetes.io/service-account.name": "sa" } };
    const prefix = "kubernetes.io/serviceaccount/";
    const legacy = (more: object = {}) =>
      signJws(
        {
          iss: "kubernetes/serviceaccount",
          sub: "system:serviceaccount:default:sa",
          [`${prefix}namespace`]: "default",
          [`${prefix}secret.name`]: "legacy",
          [`${prefix}service-account.name`]: "sa",
          [`${prefix}service-account.uid`]: uid,
          ...more,
        },
        signer,
      );
    const token = legacy();
    assert.match(await errorOf(token), /Token has been invalidated/);
    await make("secrets", {
      metadata: secret,
      type: "kubernetes.io/service-account-token",
      stringData: { token },
    });
    assert.deepEqual((await review(token)).body.status, {
      authenticated: true,
      user: {
        username: "system:serviceaccount:default:sa",
        uid,
        groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
      },
      audiences: [testIssuer],
    });
    // That it was used is noted beside the request, by the day; since when that is so, every cluster knows.
    const today = () => new Date().toISOString().slice(0, 10);
    const days = [today()];
    const lastUsed = async () => {
      const { body } = await server.admin.call("GET", `${namespace}/secrets/legacy`);
      return body.metadata.labels?.["kubernetes.io/legacy-token-last-used"];
    };
    let noted = await lastUsed();
    while (noted === undefined) noted = await lastUsed();
    days.push(today());
    assert.ok(days.includes(noted), noted);
    const tracking = "/configmaps/kube-apiserver-legacy-service-account-token-tracking";
    const { body: map } = await server.admin.call("GET", `/api/v1/namespaces/kube-system${tracking}`);
    assert.match(map.data.since, /^\d{4}-\d\d-\d\d$/);
    assert.match(await errorOf(legacy({ iat: 1 })), /Token does not match server's copy/);
    assert.match(await errorOf(legacy({ sub: "system:serviceaccount:default:x" })), /sub claim is invalid/);
    assert.match(await errorOf(legacy({ [`${prefix}secret.name`]: "" })), /secretName claim is missing/);
    await server.admin.call("PATCH", `${namespace}/secrets/legacy`, {
      body: { metadata: { labels: { "kubernetes.io/legacy-token-invalid-since": "2026-01-01" } } },
      type: "application/merge-patch+json",
    });
    assert.match(await errorOf(token), /has been marked invalid/);
    const uses = await usesSince(before);
    assert.deepEqual([uses.invalid_legacy_auto_token_uses, uses.legacy_auto_token_uses], [1, 0]);
    assert.ok((uses.legacy_manual_token_uses ?? 0) >= 1 && (uses.legacy_tokens ?? 0) >= 5);
  });

  it("for new nodes hold as their secrets in kube-system say", async () => {
    const secrets = "/api/v1/namespaces/kube-system/secrets";
    const token = "abcdef.0123456789abcdef";
    const fields = {
      "token-id": "abcdef",
      "token-secret": "0123456789abcdef",
      "usage-bootstrap-authentication": "true",
    };
    const put = async (stringData: object, type = "bootstrap.kubernetes.io/token") => {
      await server.admin.call("DELETE", `${secrets}/bootstrap-token-abcdef`);
      const body = { metadata: { name: "bootstrap-token-abcdef" }, type, stringData };
      assert.equal((await server.admin.call("POST", secrets, { body })).code, 201);
    };
    assert.equal(await errorOf(token), "invalid bearer token");
    await put({ ...fields, "auth-extra-groups": "system:bootstrappers:worker,system:bootstrappers:a" });
    assert.deepEqual((await review(token)).body.status, {
      authenticated: true,
      user: {
        username: "system:bootstrap:abcdef",
        groups: [
          "system:bootstrappers",
          "system:bootstrappers:a",
          "system:bootstrappers:worker",
          "system:authenticated",
        ],
      },
      audiences: [testIssuer],
    });
    assert.equal(await errorOf("abcdef.0123456789abcdeX"), "invalid bearer token");
    assert.equal(await errorOf("abcdef.fedcba9876543210"), "invalid bearer token");
    await put({ ...fields, expiration: "2999-01-01T00:00:00Z" });
    assert.equal((await review(token)).body.status.authenticated, true);
    for (const [wrong, type] of [
      [{ expiration: "2020-01-01T00:00:00Z" }],
      [{ expiration: "tomorrow" }],
      [{ "usage-bootstrap-authentication": "yes" }],
      [{ "token-id": "fedcba" }],
      [{ "auth-extra-groups": "system:masters" }],
      [{}, "Opaque"],
    ] as const) {
      await put({ ...fields, ...wrong }, type);
      assert.equal(await errorOf(token), "invalid bearer token", JSON.stringify(wrong));
    }
  });

  it("that are malformed are refused with 401, whatever they are", async () => {
    const good = signed();
    const [head = "", body = "", tail = ""] = good.split(".");
    const bad = [
      "...",
      "..",
      `${head}.${body}`,
      `${good}.`,
      `${head}.${body}.${tail}=`,
      `${head}.e30.${tail}`,
      `${head}.!!!.${tail}`,
      `${head}.bnVsbA.${tail}`,
      `${head}.${body}.`,
      `W10.${body}.${tail}`,
      "x".repeat(100_000),
      `${head}.${body}.${"A".repeat(90_000)}`,
      signed({ aud: 7 }),
      signed({ exp: "soon" }),
      signed({ "kubernetes.io": null }),
      signed({ "kubernetes.io": { namespace: "..", serviceaccount: { name: "../../x", uid } } }),
      signed({}, { pod: [] }),
    ];
    for (let at = 0; at < good.length; at += 29) bad.push(`${good.slice(0, at)}~${good.slice(at + 1)}`);
    for (const token of bad) {
      const headers = { authorization: `Bearer ${token}` };
      assert.equal(
        (await server.stranger.call("GET", "/version", { headers })).code,
        401,
        token.slice(0, 80),
      );
    }
  });
});

describe("a front proxy", () => {
  let server: TestApiserver;
  let proxies: Awaited<ReturnType<typeof createAuthority>>;
  before(async () => {
    proxies = await createAuthority({ name: "front-proxy-ca" });
    server = await startTestApiserver({
      config: {
        authentication: {
          ...issuingConfig(pem),
          requestHeader: {
            authorityPem: proxies.certificatePem,
            allowedNames: ["front-proxy"],
            usernameHeaders: ["x-remote-user"],
            uidHeaders: ["x-remote-uid"],
            groupHeaders: ["x-remote-group"],
            extraPrefixes: ["x-remote-extra-"],
          },
        },
      },
    });
  });
  after(() => server.stop());
  const said = {
    "X-Remote-User": "jane",
    "X-Remote-Uid": "7",
    "X-Remote-Group": ["dev", "ops, one"],
    "X-Remote-Extra-Acme.io%2fScopes": ["view", "edit"],
  };

  it("is believed about the user", async () => {
    const proxy = await server.clientFor("front-proxy", [], proxies);
    const { body } = await proxy.call("POST", whoAmI, { body: {}, headers: said });
    assert.deepEqual(body.status.userInfo, {
      username: "jane",
      uid: "7",
      groups: ["dev", "ops, one", "system:authenticated"],
      extra: { "acme.io/scopes": ["view", "edit"] },
    });
  });

  it("is nobody itself, and nobody else is believed", async () => {
    const proxy = await server.clientFor("front-proxy", [], proxies);
    assert.equal((await proxy.call("GET", "/version")).code, 401);
    const other = await server.clientFor("other", ["system:masters"], proxies);
    assert.equal((await other.call("GET", "/version", { headers: said })).code, 401);
    const posing = await server.clientFor("front-proxy", []);
    const who = await posing.call("POST", whoAmI, { body: {}, headers: said });
    assert.equal(who.body.status.userInfo.username, "front-proxy");
    assert.equal((await server.stranger.call("GET", namespace, { headers: said })).code, 403);
  });
});
