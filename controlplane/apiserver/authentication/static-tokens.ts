import { createHash } from "node:crypto";
import type { User } from "../filters/authentication.ts";
import type { TokenAuthenticator } from "./authenticator.ts";

/** Users by the SHA-256 of their tokens: what a look-up's time tells of a digest tells nothing of a token. */
export type StaticTokens = ReadonlyMap<string, User>;

export function staticTokens(tokens: StaticTokens): TokenAuthenticator {
  return async (token) => {
    const user = tokens.get(digest(token));
    return user && { user, audiences: [] };
  };
}

/** Reads Kubernetes' file of tokens, CSV: token, user name, user uid and, where given, groups, joined by commas.
 *  Of a token that stands twice the last line holds. Throws an Error that says what is wrong. Pure. */
export function parseTokenFile(text: string): StaticTokens {
  const tokens = new Map<string, User>();
  for (const record of csvRecords(text)) {
    const [token = "", name = "", uid = "", groups] = record;
    if (record.length < 3)
      throw new Error(`must have at least 3 columns (token, user name, user uid), found ${record.length}`);
    if (token === "") continue;
    tokens.set(digest(token), {
      name,
      ...(uid !== "" && { uid }),
      groups: groups === undefined || groups === "" ? [] : groups.split(","),
    });
  }
  return tokens;
}

const digest = (token: string) => createHash("sha256").update(token).digest("base64");

/** RFC 4180, as Go's csv.Reader reads it: fields may be quoted, a quote in a quoted field is doubled, empty lines are none. */
function csvRecords(text: string): readonly (readonly string[])[] {
  const records: string[][] = [];
  let record: string[] = [];
  let at = 0;
  let line = 1;
  const endRecord = () => {
    records.push(record);
    record = [];
  };
  while (at < text.length) {
    if (record.length === 0 && /^\r?\n/.test(text.slice(at, at + 2))) {
      at = text.indexOf("\n", at) + 1;
      line++;
      continue;
    }
    let field = "";
    if (text[at] === '"') {
      const begun = line;
      for (at++; ; at++) {
        const one = text[at];
        if (one === undefined) throw new Error(`line ${begun}: a quoted field does not end`);
        if (one === "\n") line++;
        if (one === '"' && text[++at] !== '"') break;
        field += one;
      }
      if (at < text.length && !/^(,|\r?\n)/.test(text.slice(at, at + 2)))
        throw new Error(`line ${line}: text follows a quoted field`);
    } else {
      const end = text.slice(at).search(/[,\n]/);
      const raw = end < 0 ? text.slice(at) : text.slice(at, at + end);
      if (raw.includes('"')) throw new Error(`line ${line}: a quote stands in a field that is not quoted`);
      field = text[at + raw.length] === "\n" || end < 0 ? raw.replace(/\r$/, "") : raw;
      at += raw.length;
    }
    record.push(field);
    if (text[at] === ",") {
      at++;
      if (at === text.length) record.push("");
      continue;
    }
    if (text[at] === "\r") at++;
    if (text[at] === "\n") at++;
    line++;
    endRecord();
  }
  if (record.length > 0) endRecord();
  return records;
}
