import assert from "node:assert/strict";
import { createSecretKey, generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import {
  isSignedBy,
  parseJws,
  type SignatureAlgorithm,
  signatureAlgorithms,
  signedJws,
  signJws,
} from "./jws.ts";
import { signMethods } from "./sign-methods.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve });
const pairs = {
  rsa: { keys: rsa, made: ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] },
  p256: { keys: ec("P-256"), made: ["ES256"] },
  p384: { keys: ec("P-384"), made: ["ES384"] },
  p521: { keys: ec("P-521"), made: ["ES512"] },
} as const;
const all: readonly SignatureAlgorithm[] = signatureAlgorithms;
const signed = (name: keyof typeof pairs, algorithm: SignatureAlgorithm) =>
  signJws({ sub: "é" }, { key: pairs[name].keys.privateKey, keyId: "k", algorithm });

describe("signed tokens", () => {
  it("hold by the algorithms that a key is for, where that one is allowed, and by no other key", () => {
    for (const [name, { made }] of Object.entries(pairs))
      for (const algorithm of made) {
        const jws = parseJws(signed(name as keyof typeof pairs, algorithm));
        assert.ok(jws);
        assert.deepEqual([jws.algorithm, jws.keyId, jws.claims], [algorithm, "k", { sub: "é" }]);
        for (const [other, { keys }] of Object.entries(pairs))
          assert.equal(isSignedBy(jws, keys.publicKey, all), other === name, `${algorithm} by ${other}`);
        const others = all.filter((one) => one !== algorithm);
        assert.equal(isSignedBy(jws, pairs[name as keyof typeof pairs].keys.publicKey, others), false);
      }
  });

  it("do not hold by a shared secret or by nothing, whatever they say, though such ways of signing are known", () => {
    const secret = createSecretKey(Buffer.from("secret"));
    const byAnything = Object.keys(signMethods) as SignatureAlgorithm[];
    for (const algorithm of ["HS256", "HS512"] as const) {
      const jws = parseJws(signedJws({}, { sub: "a" }, { key: secret, algorithm }));
      assert.ok(jws);
      assert.equal(isSignedBy(jws, secret, byAnything), false);
    }
    const unsigned = parseJws(`${Buffer.from('{"alg":"none"}').toString("base64url")}.e30.`);
    assert.ok(unsigned);
    assert.equal(isSignedBy(unsigned, pairs.rsa.keys.publicKey, byAnything), false);
  });

  it("do not hold with a byte of them changed", () => {
    const token = signed("p256", "ES256");
    const { publicKey } = pairs.p256.keys;
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(..."AZaz09-_."), (at, byte) => {
        const changed = token.slice(0, at) + byte + token.slice(at + 1);
        const jws = parseJws(changed);
        if (jws === undefined || !isSignedBy(jws, publicKey, all)) return true;
        // The last letter of a part has bits that stand for nothing.
        const [head, body, tail = ""] = changed.split(".");
        const bytes = Buffer.from(tail, "base64url").toString("base64url");
        return `${head}.${body}.${bytes}` === token;
      }),
      { numRuns: 2000 },
    );
  });

  it("are none for any other text, and no text makes reading them fail", () => {
    const { publicKey } = pairs.rsa.keys;
    const part = fc.oneof(
      fc.string(),
      fc.base64String().map((text) => text.replace(/[+/=]/g, "")),
      fc.json().map((text) => Buffer.from(text).toString("base64url")),
      fc
        .record({ alg: fc.oneof(fc.constantFrom(...all, "none", "HS256", "__proto__"), fc.jsonValue()) })
        .map((header) => Buffer.from(JSON.stringify(header)).toString("base64url")),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
        const jws = parseJws(parts.join("."));
        return jws === undefined || !isSignedBy(jws, publicKey, all);
      }),
      { numRuns: 5000 },
    );
  });

  it("that want something understood which is not are none", () => {
    const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    for (const header of [{ crit: ["exp"] }, { b64: false }])
      assert.equal(parseJws(`${encoded({ alg: "RS256", ...header })}.${encoded({})}.AAAA`), undefined);
    assert.ok(parseJws(`${encoded({ alg: "RS256" })}.${encoded({})}.AAAA`));
  });
});
