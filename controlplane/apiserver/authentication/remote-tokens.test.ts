import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { signJws } from "../../../base/os/jws.ts";
import { type Certificate, createAuthority, issueCertificate } from "../../../base/os/pki.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { ManualClock } from "../../../client/testing/manual-clock.ts";
import type { Authenticated } from "./authenticator.ts";
import { type OidcConfig, oidcTokens } from "./oidc-tokens.ts";
import { ProviderKeys } from "./provider-keys.ts";
import { RemoteJson } from "./remote-json.ts";
import { webhookTokens } from "./webhook-tokens.ts";

type Answering = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A server elsewhere, with a certificate of an authority of its own. */
class Elsewhere {
  readonly authority: Certificate;
  readonly #server: Server;
  answer: Answering = (_, response) => response.writeHead(404).end();
  asked: string[] = [];

  private constructor(authority: Certificate, server: Certificate) {
    this.authority = authority;
    this.#server = createServer(
      { cert: server.certificatePem, key: server.privateKeyPem },
      async (request, response) => {
        let body = "";
        for await (const chunk of request) body += chunk;
        this.asked.push(request.url ?? "");
        this.answer(request, response, body);
      },
    );
  }

  static async start(): Promise<Elsewhere> {
    const authority = await createAuthority({ name: "elsewhere" });
    const names = { dnsNames: ["localhost"], addresses: ["127.0.0.1"], usage: "server" } as const;
    const made = new Elsewhere(authority, await issueCertificate(authority, { commonName: "e", ...names }));
    made.#server.listen(0, "127.0.0.1");
    await once(made.#server, "listening");
    return made;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

const json = (response: ServerResponse, body: unknown) => response.end(JSON.stringify(body));
const failure = async (found: Promise<unknown>): Promise<string> => {
  try {
    await found;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "it did not fail";
};

describe("tokens of somebody elsewhere", () => {
  let elsewhere: Elsewhere;
  let clock: ManualClock;
  beforeEach(async () => {
    elsewhere = await Elsewhere.start();
    clock = new ManualClock();
  });
  afterEach(() => elsewhere.stop());
  const remote = () => new RemoteJson({ caPem: elsewhere.authority.certificatePem }, clock);

  describe("ID tokens of an OpenID provider", () => {
    let keys: Map<string, { readonly publicKey: KeyObject; readonly privateKey: KeyObject }>;
    const newKey = () => generateKeyPairSync("rsa", { modulusLength: 2048 });
    beforeEach(() => {
      keys = new Map([["a", newKey()]]);
      elsewhere.answer = ({ url }, response) => {
        if (url === "/.well-known/openid-configuration")
          json(response, { issuer: elsewhere.url, jwks_uri: `${elsewhere.url}/keys` });
        else
          json(response, {
            keys: [
              { kty: "oct", k: "c2VjcmV0", kid: "a" },
              { kty: "RSA", n: "!" },
              ...[...keys].map(([kid, { publicKey }]) => ({ kid, ...publicKey.export({ format: "jwk" }) })),
            ],
          });
      };
    });
    const authenticator = (more: Partial<OidcConfig> = {}) => {
      const issuer = elsewhere.url;
      const config: OidcConfig = {
        issuer,
        clientId: "cluster",
        caPem: undefined,
        usernameClaim: "sub",
        usernamePrefix: "oidc:",
        groupsClaim: "groups",
        groupsPrefix: "oidc:",
        algorithms: ["RS256"],
        requiredClaims: new Map(),
        ...more,
      };
      return oidcTokens(config, { keys: new ProviderKeys(issuer, { remote: remote(), clock }), clock });
    };
    const token = (more: object = {}, kid = "a", algorithm: "RS256" | "PS256" = "RS256") => {
      const now = Math.floor(clock.wallMs() / 1000);
      const claims = { iss: elsewhere.url, aud: "cluster", sub: "jane", exp: now + 600, iat: now, ...more };
      const key = keys.get(kid)?.privateKey;
      assert.ok(key);
      return signJws(claims, { key, keyId: kid, algorithm });
    };

    it("say who the user is, and in which groups", async () => {
      const found = await authenticator()(token({ groups: ["dev", "ops"], jti: "7" }), undefined);
      assert.deepEqual(found?.user, {
        name: "oidc:jane",
        groups: ["oidc:dev", "oidc:ops"],
        extra: { "authentication.kubernetes.io/credential-id": ["JTI=7"] },
      });
      assert.deepEqual(found?.audiences, []);
      const one = await authenticator()(token({ groups: "dev" }), undefined);
      assert.deepEqual(one?.user.groups, ["oidc:dev"]);
    });

    it("are not looked at where another issued them", async () => {
      assert.equal(await authenticator()(token({ iss: "https://other" }), undefined), undefined);
      assert.equal(await authenticator()("no token", undefined), undefined);
      assert.deepEqual(elsewhere.asked, []);
    });

    const refusals: [what: string, claims: object, config: Partial<OidcConfig>, why: RegExp][] = [
      [
        "for somebody else",
        { aud: ["other"] },
        {},
        /^oidc: verify token: oidc: expected audience in \["cluster"\] got \["other"\]$/,
      ],
      ["that have run out", { exp: 1 }, {}, /token is expired \(Token Expiry: 1970-01-01/],
      ["without an end", { exp: undefined }, {}, /token is expired/],
      ["that do not hold yet", { nbf: 4_000_000_000 }, {}, /before the nbf \(not before\) time/],
      [
        "without the user's claim",
        {},
        { usernameClaim: "name" },
        /parse username claims "name": claim not present/,
      ],
      [
        "with an email that nobody verified",
        { email: "a@b", email_verified: false },
        { usernameClaim: "email" },
        /oidc: email not verified/,
      ],
      ["with groups that are none", { groups: [1] }, {}, /parse groups claim "groups"/],
      [
        "without a required claim",
        {},
        { requiredClaims: new Map([["hd", "example.org"]]) },
        /required claim hd not present in ID token/,
      ],
      [
        "with another value of a required claim",
        { hd: "else" },
        { requiredClaims: new Map([["hd", "example.org"]]) },
        /required claim hd value does not match. Got = else, want = example.org/,
      ],
    ];
    for (const [what, claims, config, why] of refusals)
      it(`are refused ${what}`, async () => {
        assert.match(await failure(authenticator(config)(token(claims), undefined)), why);
      });

    it("are refused where they are signed otherwise, or by somebody else", async () => {
      const known = authenticator();
      assert.match(
        await failure(known(token({}, "a", "PS256"), undefined)),
        /unexpected signature algorithm/,
      );
      const good = token();
      keys.set("a", newKey());
      assert.match(await failure(authenticator()(good, undefined)), /failed to verify signature/);
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
      const unsigned = `${part({ alg: "none" })}.${good.split(".")[1]}.`;
      assert.match(await failure(known(unsigned, undefined)), /unexpected signature algorithm "none"/);
    });

    it("may come by a key that the provider did not have before, which is asked for at most now and then", async () => {
      const known = authenticator();
      await known(token(), undefined);
      keys.set("b", newKey());
      await clock.advance(10_000);
      const fetches = () => elsewhere.asked.filter((path) => path === "/keys").length;
      assert.equal((await known(token({}, "b"), undefined))?.user.name, "oidc:jane");
      assert.equal(fetches(), 2);
      const posing = keys.get("a");
      assert.ok(posing);
      const foreign = signJws(
        { iss: elsewhere.url, aud: "cluster", sub: "x", exp: 4_000_000_000 },
        { key: posing.privateKey, keyId: "unknown", algorithm: "RS256" },
      );
      for (let at = 0; at < 5; at++)
        assert.match(await failure(known(foreign, undefined)), /verify signature/);
      assert.equal(fetches(), 2);
    });

    it("are refused while the provider does not say its keys, and known once it does", async () => {
      const before = elsewhere.answer;
      const known = authenticator();
      const bad: [Answering, RegExp][] = [
        [
          (_, response) => response.writeHead(503).end(),
          /not initialized: the server answered with status 503/,
        ],
        [(_, response) => response.end("<html>"), /the answer is not JSON/],
        [
          (_, response) => json(response, { issuer: "https://evil" }),
          /did not match the issuer URL returned/,
        ],
        [
          (_, response) => json(response, { issuer: elsewhere.url, jwks_uri: "http://plain/keys" }),
          /is not an https URL/,
        ],
        [
          (_, response) => response.writeHead(302, { Location: `${elsewhere.url}/x` }).end(),
          /answered with status 302/,
        ],
        [(_, response) => response.end("x".repeat(2_000_000)), /the answer is longer than 1048576 bytes/],
      ];
      for (const [answer, why] of bad) {
        elsewhere.answer = answer;
        assert.match(await failure(known(token(), undefined)), why);
        await clock.advance(10_000);
      }
      elsewhere.answer = before;
      assert.equal((await known(token(), undefined))?.user.name, "oidc:jane");
    });

    it("are refused where the provider's certificate is of another authority", async () => {
      const other = await createAuthority({ name: "other" });
      const keysOf = new ProviderKeys(elsewhere.url, {
        remote: new RemoteJson({ caPem: other.certificatePem }, clock),
        clock,
      });
      assert.equal(await keysOf.current(), undefined);
      assert.match(keysOf.problem, /unable to verify|self-signed|certificate/);
    });
  });

  describe("tokens that a webhook judges", () => {
    let reviews: object[];
    let status: object;
    beforeEach(() => {
      reviews = [];
      status = {};
      elsewhere.answer = (request, response, body) => {
        reviews.push({ ...JSON.parse(body), sender: request.headers.authorization });
        json(response, { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", status });
      };
    });
    const authenticator = () =>
      webhookTokens(
        { url: `${elsewhere.url}/review`, access: {}, bearerToken: "me", version: "v1", cacheMs: 120_000 },
        { remote: remote(), own: ["api"], clock, random: systemRandom },
      );

    it("are of whom it says", async () => {
      status = {
        authenticated: true,
        user: { username: "jane", uid: "7", groups: ["dev"], extra: { scopes: ["view"] } },
      };
      const found = await authenticator()("tok", ["api", "other"]);
      assert.deepEqual(found, {
        user: { name: "jane", uid: "7", groups: ["dev"], extra: { scopes: ["view"] } },
        audiences: ["api"],
      } satisfies Authenticated);
      assert.deepEqual(reviews, [
        {
          kind: "TokenReview",
          apiVersion: "authentication.k8s.io/v1",
          metadata: {},
          spec: { token: "tok", audiences: ["api", "other"] },
          sender: "Bearer me",
        },
      ]);
    });

    it("hold for the audiences that it names", async () => {
      status = { authenticated: true, user: { username: "jane" }, audiences: ["other"] };
      assert.deepEqual((await authenticator()("tok", ["api", "other"]))?.audiences, ["other"]);
      assert.equal(await authenticator()("tok", ["api"]), undefined);
    });

    it("are refused as it says", async () => {
      assert.equal(await authenticator()("tok", ["api"]), undefined);
      status = { authenticated: false, error: "revoked" };
      assert.equal(await failure(authenticator()("tok", ["api"])), "revoked");
    });

    it("are asked about again where it does not answer as it should, and not for ever", async () => {
      let failures = 2;
      const before = elsewhere.answer;
      elsewhere.answer = (request, response, body) => {
        if (failures-- > 0) response.writeHead(500).end();
        else before(request, response, body);
      };
      status = { authenticated: true, user: { username: "jane" } };
      const eventually = async <T>(asked: Promise<T>): Promise<T> => {
        let isDone = false;
        const done = asked.finally(() => {
          isDone = true;
        });
        done.catch(() => undefined);
        while (!isDone) {
          await clock.advance(1000);
          await new Promise((resolve) => setImmediate(resolve));
        }
        return done;
      };
      assert.equal((await eventually(authenticator()("tok", ["api"])))?.user.name, "jane");
      failures = Number.POSITIVE_INFINITY;
      elsewhere.asked = [];
      assert.match(
        await failure(eventually(authenticator()("tok", ["api"]))),
        /the token webhook did not judge the token: the server answered with status 500/,
      );
      assert.equal(elsewhere.asked.length, 5);
      elsewhere.answer = (_, response) => response.writeHead(403).end();
      elsewhere.asked = [];
      assert.match(await failure(authenticator()("tok", ["api"])), /status 403/);
      assert.equal(elsewhere.asked.length, 1);
    });
  });
});
