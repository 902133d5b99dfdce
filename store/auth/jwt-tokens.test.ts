import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, randomBytes } from "node:crypto";
import fc from "fast-check";
import { type SignMethodName, signMethods } from "../../base/os/sign-methods.ts";
import { JwtTokens } from "./jwt-tokens.ts";
import { type TokenKind, tokenKind } from "./token-option.ts";

const pem = (key: { export(options: object): string | Buffer }, type: string) =>
  Buffer.from(key.export({ type, format: "pem" }));
const curves: Readonly<Record<string, string>> = { ES256: "P-256", ES384: "P-384", ES512: "P-521" };

function keyPair(method: SignMethodName) {
  const { family } = signMethods[method];
  if (family === "hmac") return { private: randomBytes(64), public: randomBytes(1) };
  const pair =
    family === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: 2_048 })
      : family === "ec"
        ? generateKeyPairSync("ec", { namedCurve: curves[method] ?? "" })
        : generateKeyPairSync("ed25519");
  return { private: pem(pair.privateKey, "pkcs8"), public: pem(pair.publicKey, "spki") };
}

const files = new Map<string, Buffer>();
const readFile = (path: string): Buffer => {
  const bytes = files.get(path);
  assert.ok(bytes, `no file ${path}`);
  return bytes;
};
let nowMs = 1_700_000_000_000;
const applied = { name: "ann", prefix: "", index: 7, revision: 5 };

function tokensOf(option: string): JwtTokens {
  const kind: TokenKind = tokenKind(option, readFile);
  assert.ok(kind.kind === "jwt");
  return new JwtTokens(kind.keys, kind.ttlMs, () => nowMs);
}

describe("JWT tokens", () => {
  before(() => {
    for (const name of Object.keys(signMethods) as SignMethodName[]) {
      const pair = keyPair(name);
      files.set(`${name}.key`, pair.private).set(`${name}.pub`, pair.public);
    }
  });

  for (const method of Object.keys(signMethods) as SignMethodName[]) {
    it(`say who it is, signed with ${method}`, async () => {
      const tokens = tokensOf(`jwt,sign-method=${method},priv-key=${method}.key,ttl=10s`);
      const token = tokens.issue(applied);
      assert.deepEqual(await tokens.owner(token), { name: "ann", revision: 5 });
      const [head, body, signature = ""] = token.split(".");
      const other = signature.startsWith("A") ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
      assert.equal(await tokens.owner(`${head}.${body}.${other}`), undefined);
      const root = Buffer.from(JSON.stringify({ username: "root", revision: 5 })).toString("base64url");
      assert.equal(await tokens.owner(`${head}.${root}.${signature}`), undefined);
      const signatures = fc
        .uint8Array({ maxLength: 300 })
        .map((bytes) => Buffer.from(bytes).toString("base64url"));
      await fc.assert(
        fc.asyncProperty(signatures, async (any) => {
          assert.equal(await tokens.owner(`${head}.${body}.${any}`), undefined);
        }),
      );
      if (signMethods[method].family === "hmac") return;
      const verifying = tokensOf(`jwt,sign-method=${method},pub-key=${method}.pub`);
      assert.deepEqual(await verifying.owner(token), { name: "ann", revision: 5 });
      assert.throws(() => verifying.issue(applied), { code: "VERIFY_ONLY" });
    });
  }

  it("hold until their time", async () => {
    const tokens = tokensOf("jwt,sign-method=ES256,priv-key=ES256.key,ttl=10s");
    const token = tokens.issue(applied);
    nowMs += 9_000;
    assert.ok(await tokens.owner(token));
    nowMs += 1_000;
    assert.equal(await tokens.owner(token), undefined);
  });

  it("hold only as they are signed here, whatever they say of themselves", async () => {
    const tokens = tokensOf("jwt,sign-method=RS256,priv-key=RS256.key,pub-key=RS256.pub");
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const body = part({ username: "root", revision: 5, exp: nowMs });
    const unsigned = `${part({ alg: "none", typ: "JWT" })}.${body}.`;
    const text = `${part({ alg: "HS256", typ: "JWT" })}.${body}`;
    const byPublicKey = createHmac("sha256", readFile("RS256.pub")).update(text).digest("base64url");
    for (const token of [unsigned, `${text}.${byPublicKey}`, "", ".", "..", "a.b.c", "a.b.c.d", `${text}`])
      assert.equal(await tokens.owner(token), undefined, token);
  });

  it("are no other texts, whatever they are", async () => {
    const tokens = tokensOf("jwt,sign-method=ES256,priv-key=ES256.key");
    const part = fc.oneof(
      fc.string(),
      fc.json().map((json) => Buffer.from(json).toString("base64url")),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 4 }), async (parts) => {
        assert.equal(await tokens.owner(parts.join(".")), undefined);
      }),
    );
  });

  it("hold only with what they must say", async () => {
    const tokens = tokensOf("jwt,sign-method=HS256,priv-key=HS256.key");
    const signed = (claims: unknown) => {
      const text = [{ alg: "HS256" }, claims]
        .map((value) => Buffer.from(JSON.stringify(value)).toString("base64url"))
        .join(".");
      return `${text}.${createHmac("sha256", readFile("HS256.key")).update(text).digest("base64url")}`;
    };
    const good = { username: "ann", revision: 5 };
    assert.deepEqual(await tokens.owner(signed(good)), { name: "ann", revision: 5 });
    const nowS = nowMs / 1_000;
    assert.ok(await tokens.owner(signed({ ...good, nbf: nowS, exp: nowS + 1 })));
    for (const bad of [
      null,
      [],
      "ann",
      { revision: 5 },
      { username: "ann" },
      { username: 1, revision: 5 },
      { username: "ann", revision: "5" },
      { username: "ann", revision: -1 },
      { username: "ann", revision: 1e300 },
      { ...good, exp: nowS },
      { ...good, exp: "never" },
      { ...good, nbf: nowS + 1 },
    ])
      assert.equal(await tokens.owner(signed(bad)), undefined, JSON.stringify(bad));
  });
});

describe("--auth-token", () => {
  const refuses = (option: string, words: RegExp) =>
    assert.throws(() => tokenKind(option, readFile), words, option);

  it("is simple, jwt or nothing", () => {
    assert.deepEqual(tokenKind("simple", readFile), { kind: "simple" });
    assert.deepEqual(tokenKind("", readFile), { kind: "none" });
    refuses("paseto", /"paseto" must be simple or jwt/);
  });

  it("refuses by name what makes no key", () => {
    refuses("jwt", /sign-method "" must be one of HS256/);
    refuses("jwt,sign-method=none", /sign-method "none"/);
    refuses("jwt,sign-method", /"sign-method" must be NAME=VALUE/);
    refuses("jwt,ttl=1s,ttl=2s", /ttl is given twice/);
    refuses("jwt,sign-method=RS256", /RS256 needs priv-key or pub-key/);
    refuses("jwt,sign-method=HS256,pub-key=HS256.pub", /HS256 needs priv-key/);
    refuses("jwt,sign-method=RS256,priv-key=ES256.key", /priv-key: the key in ES256.key is none for RS256/);
    refuses("jwt,sign-method=ES384,priv-key=ES256.key", /none for ES384/);
    refuses("jwt,sign-method=RS256,priv-key=HS256.key", /priv-key: HS256.key holds no key in PEM/);
    refuses("jwt,sign-method=RS256,priv-key=RS256.key,pub-key=RS384.pub", /don't match/);
    refuses("jwt,sign-method=RS256,priv-key=RS256.key,ttl=soon", /ttl "soon"/);
  });

  it("tells options that nobody knows", () => {
    const kind = tokenKind("jwt,sign-method=RS256,priv-key=RS256.key,colour=red", readFile);
    assert.deepEqual(kind.kind === "jwt" && kind.unknown, ["colour"]);
  });
});
