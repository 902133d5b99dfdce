import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { connect } from "node:tls";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

const secrets = "/api/v1/namespaces/default/secrets";
const whoAmI = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const accessReviews = "/apis/authorization.k8s.io/v1";

describe("who asks", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());
  const asked = async (headers: Record<string, string | string[]>) => {
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
    return (await server.admin.call("POST", whoAmI, { body, headers })).body.status?.userInfo;
  };

  it("impersonates: the request is made, and refused, as that user", async () => {
    const refused = await server.admin.call("GET", secrets, { headers: { "Impersonate-User": "bob" } });
    assert.deepEqual(refused.body, {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message:
        'secrets is forbidden: User "bob" cannot list resource "secrets" in API group "" in the namespace "default"',
      reason: "Forbidden",
      details: { kind: "secrets" },
      code: 403,
    });
    const namespace = await server.admin.call("GET", "/api/v1/namespaces/default", {
      headers: { "Impersonate-User": "bob" },
    });
    assert.equal(
      namespace.body.message,
      'namespaces "default" is forbidden: User "bob" cannot get resource "namespaces" in API group "" in the namespace "default"',
    );
    assert.deepEqual(
      await asked({
        "Impersonate-User": "bob",
        "Impersonate-Uid": "u",
        "Impersonate-Group": ["dev", "ops, one"],
        "Impersonate-Extra-Scopes": "view",
      }),
      {
        username: "bob",
        uid: "u",
        groups: ["dev", "ops, one", "system:authenticated"],
        extra: { scopes: ["view"] },
      },
    );
  });

  it("does not let just anybody impersonate", async () => {
    const jane = await server.clientFor("jane");
    const answer = await jane.call("GET", "/api", {
      headers: { "Impersonate-User": "admin", "Impersonate-Group": "system:masters" },
    });
    assert.equal(answer.code, 403);
    assert.equal(
      answer.body.message,
      'forbidden: User "jane" cannot impersonate-on:user-info:get path "/api"',
    );
    const { stranger } = server;
    assert.equal(
      (await stranger.call("GET", "/version", { headers: { "Impersonate-User": "bob" } })).code,
      403,
    );
    const half = await server.admin.call("GET", secrets, { headers: { "Impersonate-Group": "dev" } });
    assert.deepEqual([half.code, half.body.reason], [400, "BadRequest"]);
  });

  it("answers a wrong bearer token with 401, and takes what it does not read for nobody's", async () => {
    const unauthorized = {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: "Unauthorized",
      reason: "Unauthorized",
      code: 401,
    };
    for (const authorization of ["Bearer wrong", "bearer x", "Bearer wrong with more"])
      for (const path of [secrets, "/version"]) {
        const { body } = await server.stranger.call("GET", path, { headers: { authorization } });
        assert.deepEqual(body, unauthorized, `${authorization} on ${path}`);
      }
    for (const authorization of ["Basic YTpi", "Negotiate abc", "Bearer", "Bearer  spaced"]) {
      const headers = { authorization };
      assert.equal((await server.stranger.call("GET", secrets, { headers })).code, 403, authorization);
      assert.equal((await server.stranger.call("GET", "/version", { headers })).code, 200, authorization);
    }
    assert.equal(
      (await server.stranger.call("GET", "/version")).code,
      200,
      "nobody in particular may ask for this",
    );
    assert.equal((await server.stranger.call("GET", secrets)).code, 403);
  });

  it("goes by the certificate where a token comes beside it", async () => {
    const answer = await server.admin.call("GET", secrets, { headers: { authorization: "Bearer wrong" } });
    assert.deepEqual([answer.code, answer.headers.warning], [200, undefined]);
  });

  it("does not believe who says what only a front proxy may say", async () => {
    for (const name of ["X-Remote-User", "X-Remote-Group", "X-Remote-Uid", "X-Remote-Extra-Scopes"]) {
      const headers = { [name]: "system:masters" };
      assert.equal((await asked(headers)).username, "admin", name);
      assert.equal((await server.stranger.call("GET", secrets, { headers })).code, 403, name);
    }
  });

  it("checks the same for upgrades: impersonation, tokens in a subprotocol", async () => {
    const exec = "/api/v1/namespaces/default/pods/p/exec?command=ls";
    const token = "Sec-WebSocket-Protocol: v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.d3Jvbmc";
    assert.match(await upgrade(server, exec, token), /^HTTP\/1\.1 401 /);
    assert.match(await upgrade(server, exec, "Authorization: Bearer wrong"), /^HTTP\/1\.1 401 /);
    assert.match(await upgrade(server, exec, "Impersonate-User: bob"), /^HTTP\/1\.1 403 /);
  });

  it("answers reviews with the groups that a service account asks with", async () => {
    const user = "system:serviceaccount:default:builder";
    const resourceAttributes = {
      group: "authorization.k8s.io",
      resource: "selfsubjectaccessreviews",
      verb: "create",
    };
    const meta = { apiVersion: "authorization.k8s.io/v1" };
    const review = { ...meta, kind: "SubjectAccessReview", spec: { user, resourceAttributes } };
    const told = await server.admin.call("POST", `${accessReviews}/subjectaccessreviews`, { body: review });
    const reason =
      'RBAC: allowed by ClusterRoleBinding "system:basic-user" of ClusterRole "system:basic-user" to Group "system:authenticated"';
    assert.deepEqual([told.code, told.body.status], [201, { allowed: true, reason }]);
    const self = { ...meta, kind: "SelfSubjectAccessReview", spec: { resourceAttributes } };
    const headers = { "Impersonate-User": user };
    const path = `${accessReviews}/selfsubjectaccessreviews`;
    assert.equal((await server.admin.call("POST", path, { body: self, headers })).body.status.allowed, true);
    assert.deepEqual((await asked(headers)).groups, [
      "system:serviceaccounts",
      "system:serviceaccounts:default",
      "system:authenticated",
    ]);
    const local = {
      ...meta,
      kind: "LocalSubjectAccessReview",
      metadata: { namespace: "default" },
      spec: { user: "bob", resourceAttributes: { ...resourceAttributes, namespace: "default" } },
    };
    const localPath = `${accessReviews}/namespaces/default/localsubjectaccessreviews`;
    assert.deepEqual((await server.admin.call("POST", localPath, { body: local })).body.status, {
      allowed: false,
    });
  });

  it("refuses a review that asks nothing, or is named, or wanted as a table", async () => {
    const post = (body: object, accept = "application/json") =>
      server.admin.call("POST", `${accessReviews}/selfsubjectaccessreviews`, { body, accept });
    const review = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview" };
    const empty = await post({ ...review, spec: {} });
    assert.equal(
      empty.body.message,
      '.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    );
    const spec = { resourceAttributes: { verb: "get", resource: "pods" } };
    const named = await post({ ...review, metadata: { name: "x" }, spec });
    assert.match(
      named.body.message,
      /metadata: Invalid value: \{"name":"x","managedFields":\[.*\]\}: must be empty/,
    );
    const table = await post({ ...review, spec }, "application/json;as=Table;v=v1;g=meta.k8s.io");
    assert.deepEqual([table.code, table.body.reason], [406, "NotAcceptable"]);
  });
});

/** The head of the answer to a request to leave HTTP: the admin's where it impersonates, else nobody's. */
async function upgrade(server: TestApiserver, path: string, header: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const { user } = JSON.parse(await readFile(server.kubeconfig, "utf8")).users[0];
  const pem = (field: string) => Buffer.from(user[field], "base64").toString();
  const socket = connect({
    host: hostname,
    port: Number(port),
    ca: server.authority.certificatePem,
    ...(header.startsWith("Impersonate") && {
      cert: pem("client-certificate-data"),
      key: pem("client-key-data"),
    }),
  });
  try {
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${header}\r\n\r\n`,
    );
    let text = "";
    for await (const chunk of socket) {
      text += chunk.toString();
      if (text.includes("\r\n\r\n")) break;
    }
    return text;
  } finally {
    socket.destroy();
  }
}
