import assert from "node:assert/strict";
import { systemClock } from "../../base/os/clock.ts";
import { createLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { certificatesOnly } from "../../controlplane/apiserver/authentication/config.ts";
import { startTestApiserver, type TestApiserver } from "../../controlplane/apiserver/testing.ts";
import type { Assets } from "../../controlplane/dashboard/server/assets.ts";
import type { OidcOptions } from "../../controlplane/dashboard/server/oidc/provider.ts";
import { TestProvider, testClient } from "../../controlplane/dashboard/server/oidc/testing.ts";
import { type Dashboard, serveDashboard } from "../../controlplane/dashboard/server/serve-dashboard.ts";

type Said = Readonly<Record<string, unknown>>;
type Headers = Readonly<Record<string, string>>;

describe("signing in to the dashboard with a provider that the API server trusts", function () {
  this.timeout(30_000);
  let provider: TestProvider;
  let api: TestApiserver;
  let dashboard: Dashboard;
  let aheadMs: number;

  before(async () => {
    provider = await TestProvider.start();
    api = await startTestApiserver({
      config: {
        authentication: {
          ...certificatesOnly,
          oidc: {
            issuer: provider.issuer,
            clientId: testClient.clientId,
            caPem: provider.authority.certificatePem,
            usernameClaim: "sub",
            usernamePrefix: "oidc:",
            groupsClaim: "",
            groupsPrefix: "",
            algorithms: ["RS256", "ES256"],
            requiredClaims: new Map(),
          },
        },
      },
    });
  });
  beforeEach(async () => {
    aheadMs = 0;
    Object.assign(provider, { algorithm: "RS256", lifeSeconds: 600, claims: {}, metadata: {} });
    provider.answerOtherwise = () => false;
    provider.revoked.length = 0;
    provider.refreshes = 0;
    dashboard = await serve();
  });
  afterEach(() => dashboard.close());
  after(async () => {
    await api?.stop();
    await provider?.stop();
  });

  function serve(more: Partial<OidcOptions> = {}): Promise<Dashboard> {
    return serveDashboard(
      {
        address: "127.0.0.1",
        port: 0,
        allowedHosts: ["dashboard.example"],
        cluster: loadKubeconfig(api.kubeconfig),
        tokens: true,
        oidc: {
          issuer: provider.issuer,
          ...testClient,
          scopes: ["openid", "email"],
          caPem: provider.authority.certificatePem,
          ...more,
        },
      },
      {
        assets: {} as Assets,
        clock: { ...systemClock, wallMs: () => systemClock.wallMs() + aheadMs },
        random: systemRandom,
        log: createLog({ write: () => undefined }),
      },
    );
  }

  async function ask(
    path: string,
    init: RequestInit = {},
  ): Promise<{ code: number; said: Said; headers: globalThis.Headers }> {
    const answer = await fetch(dashboard.url + path, init);
    return { code: answer.status, said: (await answer.json()) as Said, headers: answer.headers };
  }
  const post = (path: string, body?: object, headers: Headers = {}) =>
    ask(path, { method: "POST", headers, ...(body && { body: JSON.stringify(body) }) });

  async function begin(): Promise<{ readonly location: string; readonly ticket: string }> {
    const { code, said } = await post("/oidc");
    assert.equal(code, 200, JSON.stringify(said));
    return said as { location: string; ticket: string };
  }

  /** There and back: what the browser then brings. */
  async function comeBack(): Promise<Record<string, string>> {
    const { location, ticket } = await begin();
    return { ticket, ...Object.fromEntries(await provider.visit(location)) };
  }

  async function enter(): Promise<Headers> {
    const { code, said, headers } = await post("/session", { signIn: await comeBack() });
    assert.equal(code, 200, JSON.stringify(said));
    return { cookie: headers.get("set-cookie")?.split(";")[0] ?? "", "x-pintle-key": String(said.key) };
  }

  async function refusal(): Promise<string> {
    const { code, said } = await post("/session", { signIn: await comeBack() });
    assert.equal(code, 401, JSON.stringify(said));
    return String(said.message);
  }

  for (const algorithm of ["RS256", "ES256"] as const)
    it(`lets a person in as whom the API server sees in their ${algorithm} token, and lets them ask as that`, async () => {
      provider.algorithm = algorithm;
      const { said: outside } = await ask("/session");
      assert.deepEqual(outside.ways, { tokens: true, oidc: { provider: new URL(provider.issuer).host } });
      const headers = await enter();
      const { said } = await ask("/session", { headers });
      assert.equal(said.by, "oidc");
      assert.equal((said.user as Said).username, "oidc:jane");
      const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
      const path = "/cluster/apis/authentication.k8s.io/v1/selfsubjectreviews";
      const asked = await post(path, review, { ...headers, "content-type": "application/json" });
      assert.equal(asked.code, 201);
      assert.match(JSON.stringify(asked.said.status), /"username":"oidc:jane"/);
    });

  it("sends people to the provider with a challenge, and back to a host of its own alone", async () => {
    const { location } = await begin();
    const query = new URL(location).searchParams;
    assert.equal(query.get("redirect_uri"), `${dashboard.url}/oidc/callback`);
    assert.equal(query.get("scope"), "openid email");
    for (const secret of ["state", "nonce", "code_challenge"])
      assert.match(query.get(secret) ?? "", /^[\w-]{43}$/);
    const other = await begin();
    assert.notEqual(new URL(other.location).searchParams.get("state"), query.get("state"));
    const { code } = await post("/oidc", undefined, { origin: "https://evil.example" });
    assert.equal(code, 403);
  });

  it("takes nobody's answer but that of the sign-in which was begun in this browser, and each once", async () => {
    const first = await comeBack();
    const second = await comeBack();
    const refused = async (signIn: object, word: RegExp) => {
      const { code, said } = await post("/session", { signIn });
      assert.equal(code, 401);
      assert.match(String(said.message), word);
    };
    await refused({ ...first, state: second.state }, /its state is another/);
    await refused(first, /not begun here, or too long ago/);
    await refused({ ...second, ticket: "none" }, /not begun here/);
    await refused({ ...second, iss: "https://other.example" }, /not of https:/);
    await refused({ ...(await comeBack()), code: "code-0" }, /does not take the code .*: "invalid_grant"$/);
    for (const odd of [5, null, {}, { ...second, code: 5 }, { ...second, state: "x".repeat(9_000) }])
      assert.equal((await post("/session", { signIn: odd })).code, 400);
  });

  const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
  for (const [what, claims, word] of [
    ["another nonce", () => ({ nonce: "other" }), /nonce is another/],
    ["an end that has passed", () => ({ exp: inSeconds(-5) }), /has expired/],
    ["no end", () => ({ exp: undefined }), /has expired/],
    ["another audience", () => ({ aud: "other" }), /meant for "other", not for pintle:dashboard/],
    ["another party", () => ({ aud: [testClient.clientId, "other"], azp: "other" }), /given to "other"/],
    ["another issuer", () => ({ iss: "https://other.example" }), /one of "https:\/\/other.example"/],
    ["nobody's name", () => ({ sub: undefined }), /of nobody/],
    ["a birth to come", () => ({ iat: inSeconds(1_000) }), /when it was made/],
  ] as const)
    it(`refuses a token of ${what}`, async () => {
      provider.claims = claims();
      assert.match(await refusal(), word);
    });

  it("lets nobody in whom the API server does not know, whatever the token says", async () => {
    const claims = {
      iss: provider.issuer,
      aud: testClient.clientId,
      sub: "jane",
      iat: inSeconds(0),
      exp: inSeconds(60),
    };
    const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const forge = (algorithm: string) => {
      provider.answerOtherwise = (path, response) => {
        if (path !== "/token") return false;
        const nonce = new URL(lastLocation).searchParams.get("nonce");
        const id_token = `${encoded({ alg: algorithm, kid: "RS256" })}.${encoded({ ...claims, nonce })}.AAAA`;
        response.end(JSON.stringify({ id_token }));
        return true;
      };
    };
    let lastLocation = "";
    const tried = async () => {
      const { location, ticket } = await begin();
      lastLocation = location;
      const { code, said } = await post("/session", {
        signIn: { ticket, ...Object.fromEntries(await provider.visit(location)) },
      });
      assert.equal(code, 401);
      return String(said.message);
    };
    forge("RS256");
    assert.match(await tried(), /API server does not take the provider's token/);
    forge("none");
    assert.match(await tried(), /signed with "none"/);
  });

  it("renews a token before it ends, as long as the provider does, and says so when it does not", async () => {
    provider.lifeSeconds = 5_000;
    const headers = await enter();
    aheadMs = 4_960_000;
    assert.equal((await ask("/session", { headers })).code, 200);
    assert.equal(provider.refreshes, 0);
    aheadMs = 4_980_000;
    provider.lifeSeconds = 20_000;
    const [one, two] = await Promise.all([ask("/session", { headers }), ask("/session", { headers })]);
    assert.deepEqual([one.code, two.code, provider.refreshes], [200, 200, 1]);
    aheadMs = 30_000_000;
    provider.claims = { sub: "joe" };
    const { code, said } = await ask("/session", { headers });
    assert.equal(code, 401);
    assert.equal(said.why, "the renewed ID token is somebody else's");
    const asked = await ask("/cluster/api/v1/pods", { headers });
    assert.deepEqual([asked.code, asked.said.message], [401, "the renewed ID token is somebody else's"]);
  });

  it("ends with its token where the provider renews none", async () => {
    const headers = await enter();
    aheadMs = 601_000;
    provider.answerOtherwise = (path, response) =>
      path === "/token" && response.writeHead(503).end() !== undefined;
    const { code, said } = await ask("/session", { headers });
    assert.deepEqual([code, said.why], [401, "the provider does not renew your sign-in: it answers 503"]);
  });

  it("tells the provider of who signs out, and where they sign out there", async () => {
    provider.metadata = { end_session_endpoint: `${provider.issuer}/bye` };
    const headers = await enter();
    const isRevoked = new Promise<void>((resolve) => {
      provider.answerOtherwise = (path) => {
        if (path === "/revoke") setImmediate(resolve);
        return false;
      };
    });
    const { said } = await ask("/session", { method: "DELETE", headers });
    assert.equal(said.signOutUrl, `${provider.issuer}/bye?client_id=pintle%3Adashboard`);
    await isRevoked;
    assert.match(provider.revoked[0] ?? "", /^refresh-\d+$/);
    assert.equal((await ask("/session", { headers })).code, 401);
  });

  it("says of a provider that is not as it should be what is wrong with it", async () => {
    const why = async (more: Partial<OidcOptions> = {}) => {
      await dashboard.close();
      dashboard = await serve(more);
      const { code, said } = await post("/oidc");
      assert.equal(code, 502);
      return String(said.message);
    };
    for (const [metadata, word] of [
      [{ issuer: "https://other.example" }, /calls itself "https:\/\/other.example"/],
      [{ authorization_endpoint: "http://127.0.0.1/" }, /authorization_endpoint .* is no https URL/],
      [{ token_endpoint: "javascript:alert(1)" }, /token_endpoint .* is no https URL/],
      [{ token_endpoint: undefined }, /token_endpoint "" is no https URL/],
      [{ response_types_supported: ["token"] }, /without code$/],
      [{ code_challenge_methods_supported: ["plain"] }, /without S256$/],
      [{ id_token_signing_alg_values_supported: ["HS256"] }, /without any that Kubernetes takes$/],
      [{ response_types_supported: 5 }, /is no list$/],
    ] as const) {
      provider.metadata = metadata;
      assert.match(await why(), word);
    }
    provider.metadata = {};
    const otherwise = async (answer: TestProvider["answerOtherwise"], more: Partial<OidcOptions> = {}) => {
      provider.answerOtherwise = answer;
      return why(more);
    };
    assert.match(
      await otherwise((_path, response) => response.writeHead(302, { location: "/x" }).end() !== undefined),
      /it answers 302$/,
    );
    assert.match(
      await otherwise((_path, response) => response.end("<html>") !== undefined),
      /its answer is no JSON$/,
    );
    assert.match(
      await otherwise((_path, response) => response.end(Buffer.alloc(300_000, " ")) !== undefined),
      /more than 262144 bytes$/,
    );
    assert.match(await otherwise(() => true, { withinMs: 50 }), /no answer within 0.05 s$/);
    provider.answerOtherwise = () => false;
    assert.match(await why({ caPem: undefined }), /self-signed|unable to verify/);
    assert.match(await why({ issuer: "https://127.0.0.1:1" }), /ECONNREFUSED/);
  });

  it("says of each step at the provider what went wrong", async () => {
    await dashboard.close();
    dashboard = await serve({ clientSecret: "wrong" });
    assert.match(await refusal(), /does not take the code .*: "invalid_client": "that is not your secret"$/);
    await dashboard.close();
    dashboard = await serve({ withinMs: 300 });
    const signIn = await comeBack();
    provider.answerOtherwise = (path) => path === "/token";
    const { said } = await post("/session", { signIn });
    assert.match(String(said.message), /does not take the code .*: no answer within 0.3 s$/);
  });
});
