import { StoreError } from "../errors.ts";

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** A hash as requests carry it: base64, in which line ends do not count. Throws NO_PASSWORD_USER, etcd's word for what is none. */
export function passwordOf(hashedPassword: string): Uint8Array {
  const text = hashedPassword.replace(/[\r\n]/g, "");
  if (!base64.test(text)) throw new StoreError("NO_PASSWORD_USER");
  return Buffer.from(text, "base64");
}
