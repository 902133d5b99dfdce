import assert from "node:assert/strict";
import { issuingConfig, newSigningKey, testIssuer } from "./authentication/testing.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

const accounts = "/api/v1/namespaces/default/serviceaccounts";
const pods = "/api/v1/namespaces/default/pods";
const { pem } = newSigningKey();

describe("serviceaccounts/token", () => {
  let server: TestApiserver;
  let uid: string;
  before(async () => {
    server = await startTestApiserver({ config: { authentication: issuingConfig(pem) } });
    const body = { metadata: { name: "sa" } };
    uid = (await server.admin.call("POST", accounts, { body })).body.metadata.uid;
  });
  after(() => server.stop());

  const ask = (body: object = {}, name = "sa") =>
    server.admin.call("POST", `${accounts}/${name}/token`, { body });
  const claimsOf = (token: string) =>
    JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  const newPod = async (name: string, spec: object = {}) => {
    const body = {
      metadata: { name },
      spec: { serviceAccountName: "sa", containers: [{ name: "c", image: "i" }], ...spec },
    };
    const answer = await server.admin.call("POST", pods, { body });
    assert.equal(answer.code, 201, answer.text);
    return answer.body.metadata.uid as string;
  };

  it("gives a token for the server's own audience and an hour where nothing is asked for", async () => {
    const { code, body } = await ask();
    assert.equal(code, 201);
    const { token, expirationTimestamp } = body.status;
    const unforeseen = { creationTimestamp: undefined, managedFields: undefined };
    assert.deepEqual(
      { ...body, status: undefined, metadata: { ...body.metadata, ...unforeseen } },
      {
        kind: "TokenRequest",
        apiVersion: "authentication.k8s.io/v1",
        metadata: { name: "sa", namespace: "default", uid, ...unforeseen },
        spec: { audiences: [testIssuer], expirationSeconds: 3600, boundObjectRef: null },
        status: undefined,
      },
    );
    const { exp, iat, nbf, jti, ...claims } = claimsOf(token);
    assert.deepEqual(claims, {
      aud: [testIssuer],
      iss: testIssuer,
      "kubernetes.io": { namespace: "default", serviceaccount: { name: "sa", uid } },
      sub: "system:serviceaccount:default:sa",
    });
    assert.deepEqual([exp - iat, nbf], [3600, iat]);
    assert.match(jti, /^[0-9a-f-]{36}$/);
    assert.equal(Date.parse(expirationTimestamp) / 1000, exp);
  });

  it("knows the account by its token, with what it is bound to", async () => {
    const podUid = await newPod("bound", { nodeName: "n1" });
    const node = await server.admin.call("POST", "/api/v1/nodes", { body: { metadata: { name: "n1" } } });
    const boundObjectRef = { kind: "Pod", apiVersion: "v1", name: "bound", uid: podUid };
    const { body } = await ask({ spec: { boundObjectRef } });
    const { token } = body.status;
    const claims = claimsOf(token);
    assert.deepEqual(claims["kubernetes.io"], {
      namespace: "default",
      node: { name: "n1", uid: node.body.metadata.uid },
      pod: { name: "bound", uid: podUid },
      serviceaccount: { name: "sa", uid },
    });
    const who = await server.stranger.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
      body: {},
      headers: { authorization: `Bearer ${token}` },
    });
    assert.deepEqual(who.body.status.userInfo, {
      username: "system:serviceaccount:default:sa",
      uid,
      groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
      extra: {
        "authentication.kubernetes.io/credential-id": [`JTI=${claims.jti}`],
        "authentication.kubernetes.io/node-name": ["n1"],
        "authentication.kubernetes.io/node-uid": [node.body.metadata.uid],
        "authentication.kubernetes.io/pod-name": ["bound"],
        "authentication.kubernetes.io/pod-uid": [podUid],
      },
    });
  });

  it("names a node that is not there without a uid", async () => {
    await newPod("nowhere", { nodeName: "gone" });
    const { body } = await ask({
      spec: { boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "nowhere" } },
    });
    assert.deepEqual(claimsOf(body.status.token)["kubernetes.io"].node, { name: "gone" });
  });

  // The texts of kube-apiserver 1.36.3.
  const refusals: readonly [what: string, body: object, code: number, message: string][] = [
    [
      "less than ten minutes",
      { spec: { expirationSeconds: 599 } },
      422,
      'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
    ],
    [
      "more than 2^32 seconds",
      { spec: { expirationSeconds: 5_000_000_000 } },
      422,
      'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 5000000000: may not specify a duration larger than 2^32 seconds',
    ],
    [
      "another name",
      { metadata: { name: "other" } },
      422,
      'TokenRequest.authentication.k8s.io "sa" is invalid: metadata.name: Invalid value: "other": must match the service account name if specified',
    ],
    [
      "another namespace",
      { metadata: { namespace: "other" } },
      400,
      "the namespace of the provided object does not match the namespace sent on the request",
    ],
    [
      "another uid",
      { metadata: { uid: "u" } },
      409,
      'Operation cannot be fulfilled on TokenRequest.authentication.k8s.io "sa": the UID in the token request (u) does not match the UID of the service account (UID)',
    ],
    ...(["Pod", "Secret", "Node"] as const).map(
      (kind) =>
        [
          `an absent ${kind}`,
          { spec: { boundObjectRef: { kind, apiVersion: "v1", name: "absent" } } },
          404,
          `${kind.toLowerCase()}s "absent" not found`,
        ] as [string, object, number, string],
    ),
    [
      "a ConfigMap",
      { spec: { boundObjectRef: { kind: "ConfigMap", apiVersion: "v1", name: "p" } } },
      400,
      "cannot bind token to object of type /v1, Kind=ConfigMap",
    ],
    [
      "a Deployment",
      { spec: { boundObjectRef: { kind: "Deployment", apiVersion: "apps/v1", name: "p" } } },
      400,
      "cannot bind token to object of type apps/v1, Kind=Deployment",
    ],
  ];
  for (const [what, body, code, message] of refusals)
    it(`refuses ${what}`, async () => {
      const answer = await ask(body);
      assert.deepEqual([answer.code, answer.body.message], [code, message.replace("(UID)", `(${uid})`)]);
    });

  it("refuses an absent account, a pod of another account, and an object with another uid", async () => {
    assert.equal((await ask({}, "absent")).body.message, 'serviceaccounts "absent" not found');
    await newPod("other", { serviceAccountName: "somebody" });
    const reference = (name: string, more: object = {}) => ({
      spec: { boundObjectRef: { kind: "Pod", apiVersion: "v1", name, ...more } },
    });
    const other = await ask(reference("other"));
    assert.deepEqual(
      [other.code, other.body.message],
      [400, 'cannot bind token for serviceaccount "sa" to pod running with different serviceaccount name.'],
    );
    const podUid = await newPod("mine");
    const moved = await ask(reference("mine", { uid: "u" }));
    assert.equal(moved.code, 409);
    assert.equal(
      moved.body.message,
      'Operation cannot be fulfilled on Pod "mine": the UID in the bound object reference (u) does not match the UID in record. The object might have been deleted and then recreated',
    );
    assert.equal((await ask(reference("mine", { uid: podUid }))).code, 201);
  });

  it("lets the token of admission's own volume live for a year, and says when it is stale", async () => {
    await newPod("long");
    const boundObjectRef = { kind: "Pod", apiVersion: "v1", name: "long" };
    const { body } = await ask({ spec: { boundObjectRef, expirationSeconds: 3607 } });
    const { exp, iat, ...claims } = claimsOf(body.status.token);
    assert.equal(exp - iat, 365 * 24 * 3600);
    assert.equal(claims["kubernetes.io"].warnafter - iat, 3607);
    assert.equal(Date.parse(body.status.expirationTimestamp) / 1000, iat + 3607);
    for (const spec of [
      { expirationSeconds: 3607 },
      { boundObjectRef, expirationSeconds: 3607, audiences: ["x"] },
    ]) {
      const short = claimsOf((await ask({ spec })).body.status.token);
      assert.deepEqual([short.exp - short.iat, short["kubernetes.io"].warnafter], [3607, undefined]);
    }
  });

  it("is listed in discovery, takes only POST, and is not there without a key to sign with", async () => {
    const { body } = await server.admin.call("GET", "/api/v1");
    assert.deepEqual(
      body.resources.find(({ name }: { name: string }) => name === "serviceaccounts/token"),
      {
        name: "serviceaccounts/token",
        singularName: "",
        namespaced: true,
        group: "authentication.k8s.io",
        version: "v1",
        kind: "TokenRequest",
        verbs: ["create"],
      },
    );
    assert.equal((await server.admin.call("GET", `${accounts}/sa/token`)).code, 405);
    const plain = await startTestApiserver();
    try {
      assert.equal((await plain.admin.call("POST", `${accounts}/sa/token`, { body: {} })).code, 404);
    } finally {
      await plain.stop();
    }
  });

  it("shows others how to check its tokens: the discovery document, and public keys only", async () => {
    const document = await server.admin.call("GET", "/.well-known/openid-configuration");
    assert.equal(document.headers["cache-control"], "public, max-age=3600");
    assert.deepEqual(document.body, {
      issuer: testIssuer,
      jwks_uri: `${server.url}/openid/v1/jwks`,
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256"],
    });
    const keys = await server.admin.call("GET", "/openid/v1/jwks");
    assert.equal(keys.headers["content-type"], "application/jwk-set+json");
    const [key] = keys.body.keys;
    assert.deepEqual(Object.keys(key).sort(), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert.equal((await server.stranger.call("GET", "/openid/v1/jwks")).code, 403);
    const { token } = (await ask()).body.status;
    const headers = { authorization: `Bearer ${token}` };
    assert.equal((await server.stranger.call("GET", "/openid/v1/jwks", { headers })).code, 200);
  });

  it("shortens what lives longer than the server allows, and says so", async () => {
    const authentication = issuingConfig(pem, { issuing: { maxExpirationSeconds: 3600 } });
    const strict = await startTestApiserver({ config: { authentication } });
    try {
      await strict.admin.call("POST", accounts, { body: { metadata: { name: "sa" } } });
      const body = { spec: { expirationSeconds: 7200 } };
      const answer = await strict.admin.call("POST", `${accounts}/sa/token`, { body });
      assert.equal(answer.body.spec.expirationSeconds, 3600);
      assert.equal(
        answer.headers.warning,
        '299 - "requested expiration of 7200 seconds shortened to 3600 seconds"',
      );
    } finally {
      await strict.stop();
    }
  });
});
