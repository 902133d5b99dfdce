import { createCipheriv, createDecipheriv } from "node:crypto";
import { type Random, randomBytes } from "../../../base/os/random.ts";

/** One way to keep values secret, with one key. */
export interface ValueCipher {
  /** What values made so begin with, up to the key's name and a colon. */
  readonly prefix: string;
  seal(plain: Uint8Array, place: string): Uint8Array;
  /** Throws where the value is none of this key's, or stands in another place than it was made for. */
  open(sealed: Uint8Array, place: string): Uint8Array;
}

export interface NamedKey {
  readonly name: string;
  readonly secret: Uint8Array;
}

const nonceBytes = 12;
const tagBytes = 16;
const blockBytes = 16;
const tooShort = "the stored data was shorter than the required size";

/** AES-GCM with a random nonce: at most 2^32 values may be made with one key. The place that a value stands in is part of what
 *  is checked, so that nobody moves a value from one to another. */
export function aesGcm({ name, secret }: NamedKey, random: Random): ValueCipher {
  const algorithm = `aes-${secret.length * 8}-gcm` as "aes-256-gcm";
  return {
    prefix: `k8s:enc:aesgcm:v1:${name}:`,
    seal(plain, place) {
      const nonce = randomBytes(random, nonceBytes);
      const cipher = createCipheriv(algorithm, secret, nonce);
      cipher.setAAD(Buffer.from(place));
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, place) {
      if (sealed.length < nonceBytes) throw new Error(tooShort);
      if (sealed.length < nonceBytes + tagBytes) throw new Error("cipher: message authentication failed");
      const decipher = createDecipheriv(algorithm, secret, sealed.subarray(0, nonceBytes));
      decipher.setAAD(Buffer.from(place));
      decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
      const plain = decipher.update(sealed.subarray(nonceBytes, sealed.length - tagBytes));
      try {
        return Buffer.concat([plain, decipher.final()]);
      } catch {
        throw new Error("cipher: message authentication failed");
      }
    },
  };
}

/** AES-CBC with PKCS#7 padding: checks neither content nor place. For clusters that have it. */
export function aesCbc({ name, secret }: NamedKey, random: Random): ValueCipher {
  const algorithm = `aes-${secret.length * 8}-cbc`;
  return {
    prefix: `k8s:enc:aescbc:v1:${name}:`,
    seal(plain) {
      const vector = randomBytes(random, blockBytes);
      const cipher = createCipheriv(algorithm, secret, vector);
      return Buffer.concat([vector, cipher.update(plain), cipher.final()]);
    },
    open(sealed) {
      if (sealed.length < blockBytes) throw new Error(tooShort);
      if (sealed.length % blockBytes !== 0)
        throw new Error("the stored data is not a multiple of the block size");
      const decipher = createDecipheriv(algorithm, secret, sealed.subarray(0, blockBytes));
      try {
        return Buffer.concat([decipher.update(sealed.subarray(blockBytes)), decipher.final()]);
      } catch {
        throw new Error("invalid padding on input");
      }
    },
  };
}
