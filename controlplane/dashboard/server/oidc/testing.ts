import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { signJws } from "../../../../base/os/jws.ts";
import { type Certificate, createAuthority, issueCertificate } from "../../../../base/os/pki.ts";

export const testClient = { clientId: "pintle:dashboard", clientSecret: "s%cr:t +1" } as const;

/** A small OpenID provider that signs in whoever comes, as `jane`, and holds clients to what the protocol asks of them. */
export class TestProvider {
  readonly authority: Certificate;
  readonly #server: Server;
  readonly #keys = {
    RS256: generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  };
  readonly #codes = new Map<string, URLSearchParams>();
  #refreshToken = "";
  #count = 0;
  algorithm: "RS256" | "ES256" = "RS256";
  lifeSeconds = 600;
  /** What is said otherwise in ID tokens, in metadata and of an answer as a whole. */
  claims: Readonly<Record<string, unknown>> = {};
  metadata: Readonly<Record<string, unknown>> = {};
  /** True: it has answered. */
  answerOtherwise: (path: string, response: ServerResponse) => boolean = () => false;
  readonly revoked: string[] = [];
  refreshes = 0;

  private constructor(authority: Certificate, server: Certificate) {
    this.authority = authority;
    this.#server = createServer(
      { cert: server.certificatePem, key: server.privateKeyPem },
      (request, response) => void this.#answer(request, response),
    );
  }

  static async start(): Promise<TestProvider> {
    const authority = await createAuthority({ name: "provider" });
    const names = { dnsNames: ["localhost"], addresses: ["127.0.0.1"], usage: "server" } as const;
    const made = new TestProvider(
      authority,
      await issueCertificate(authority, { commonName: "p", ...names }),
    );
    await once(made.#server.listen(0, "127.0.0.1"), "listening");
    return made;
  }

  get issuer(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** As a browser that goes there comes back: the query of the address that it is sent to. */
  async visit(location: string): Promise<URLSearchParams> {
    return this.#authorize(new URL(location).searchParams).searchParams;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", this.issuer);
    let body = "";
    for await (const piece of request) body += piece;
    if (this.answerOtherwise(url.pathname, response)) return;
    const json = (code: number, value: object) =>
      response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(value));
    switch (url.pathname) {
      case "/.well-known/openid-configuration":
        return void json(200, {
          issuer: this.issuer,
          authorization_endpoint: `${this.issuer}/authorize`,
          token_endpoint: `${this.issuer}/token`,
          revocation_endpoint: `${this.issuer}/revoke`,
          jwks_uri: `${this.issuer}/keys`,
          response_types_supported: ["code"],
          code_challenge_methods_supported: ["S256"],
          id_token_signing_alg_values_supported: ["RS256", "ES256"],
          ...this.metadata,
        });
      case "/keys":
        return void json(200, {
          keys: Object.entries(this.#keys).map(([kid, { publicKey }]) => jwk(kid, publicKey)),
        });
      case "/authorize":
        return void response.writeHead(302, { location: this.#authorize(url.searchParams).href }).end();
      case "/token":
        return void json(...this.#tokens(request.headers.authorization ?? "", new URLSearchParams(body)));
      case "/revoke":
        this.revoked.push(new URLSearchParams(body).get("token") ?? "");
        return void response.end();
      default:
        return void response.writeHead(404).end();
    }
  }

  #authorize(query: URLSearchParams): URL {
    const back = new URL(query.get("redirect_uri") ?? "");
    const scopes = query.get("scope")?.split(" ") ?? [];
    const isGood =
      query.get("response_type") === "code" &&
      query.get("client_id") === testClient.clientId &&
      query.get("code_challenge_method") === "S256" &&
      scopes.includes("openid");
    back.searchParams.set("state", query.get("state") ?? "");
    if (!isGood) back.searchParams.set("error", "invalid_request");
    else {
      const code = `code-${++this.#count}`;
      this.#codes.set(code, query);
      back.searchParams.set("code", code);
    }
    return back;
  }

  #tokens(authorization: string, form: URLSearchParams): [number, object] {
    const encoded = (text: string) => new URLSearchParams({ a: text }).toString().slice(2);
    const pair = `${encoded(testClient.clientId)}:${encoded(testClient.clientSecret)}`;
    if (authorization !== `Basic ${Buffer.from(pair).toString("base64")}`)
      return [401, { error: "invalid_client", error_description: "that is not your secret" }];
    if (form.get("grant_type") === "refresh_token") {
      if (form.get("refresh_token") !== this.#refreshToken) return [400, { error: "invalid_grant" }];
      this.refreshes++;
      return [200, this.#given()];
    }
    const code = form.get("code") ?? "";
    const asked = this.#codes.get(code);
    this.#codes.delete(code);
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    const isGood =
      asked?.get("code_challenge") === challenge && asked.get("redirect_uri") === form.get("redirect_uri");
    return isGood ? [200, this.#given(asked.get("nonce"))] : [400, { error: "invalid_grant" }];
  }

  #given(nonce?: string | null): object {
    this.#refreshToken = `refresh-${++this.#count}`;
    const nowSeconds = Math.floor(Date.now() / 1000);
    const claims = {
      ...{
        iss: this.issuer,
        aud: testClient.clientId,
        sub: "jane",
        iat: nowSeconds,
        exp: nowSeconds + this.lifeSeconds,
      },
      ...(nonce && { nonce }),
      ...{ jti: String(this.#count), ...this.claims },
    };
    const { algorithm } = this;
    const key: KeyObject = this.#keys[algorithm].privateKey;
    return {
      id_token: signJws(claims, { key, keyId: algorithm, algorithm }),
      refresh_token: this.#refreshToken,
      token_type: "Bearer",
    };
  }
}

const jwk = (kid: string, key: KeyObject) => ({ kid, use: "sig", ...key.export({ format: "jwk" }) });
