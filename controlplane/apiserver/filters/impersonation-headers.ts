import { badRequest } from "../api-error.ts";
import type { User } from "./authentication.ts";
import { extraOf } from "./extra-headers.ts";

/** Who a request asks to be, as its headers say it: nothing checked, nothing added. */
export interface WantedUser {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: NonNullable<User["extra"]>;
}

const prefix = "impersonate-";
const extraPrefix = "impersonate-extra-";

/** Reads `Impersonate-User`, `-Uid`, `-Group` and `-Extra-KEY`; `undefined` where none was sent. Fails with 400 for
 *  headers that say part of an identity, or say it twice: to drop one would let somebody act as who they are not. Pure.
 *  @param raw names and values by turns, as Node's `rawHeaders`. */
export function wantedUser(raw: readonly string[]): WantedUser | undefined {
  const headers = impersonationHeaders(raw);
  // Nobody at all is what clients send who want to be themselves.
  const [first, ...more] = headers;
  if (first === undefined || (more.length === 0 && first.name === "impersonate-user" && first.value === ""))
    return undefined;
  const valuesOf = (name: string) => headers.filter((one) => one.name === name).map(({ value }) => value);
  const wanted: WantedUser = {
    name: only("Impersonate-User", valuesOf("impersonate-user")),
    uid: only("Impersonate-Uid", valuesOf("impersonate-uid")),
    groups: valuesOf("impersonate-group"),
    extra: extraOf(headers, [extraPrefix]),
  };
  for (const { name } of headers)
    if (
      !["impersonate-user", "impersonate-uid", "impersonate-group"].includes(name) &&
      !name.startsWith(extraPrefix)
    )
      throw badRequest(`unknown impersonation header ${JSON.stringify(name)}`);
  if (wanted.name === "") throw badRequest(`requested ${goText(wanted)} without impersonating a user name`);
  return wanted;
}

interface Header {
  readonly name: string;
  readonly value: string;
}

function impersonationHeaders(raw: readonly string[]): readonly Header[] {
  const found: Header[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]?.toLowerCase() ?? "";
    // Node hands header bytes on one by one; Kubernetes reads them as UTF-8.
    if (name.startsWith(prefix))
      found.push({ name, value: Buffer.from(raw[at + 1] ?? "", "latin1").toString("utf8") });
  }
  return found;
}

function only(name: string, values: readonly string[]): string {
  const [value = "", ...more] = values;
  if (more.length > 0) throw badRequest(`${name} may be given once, not ${values.length} times`);
  return value;
}

/** As Go prints its own struct, for the error's text. */
function goText({ name, uid, groups, extra }: WantedUser): string {
  const strings = (values: readonly string[]) => `{${values.map((one) => JSON.stringify(one)).join(", ")}}`;
  const entries = Object.entries(extra).map(
    ([key, values]) => `${JSON.stringify(key)}:[]string${strings(values)}`,
  );
  const groupsText = groups.length === 0 ? "[]string(nil)" : `[]string${strings(groups)}`;
  const extraText =
    entries.length === 0 ? "map[string][]string(nil)" : `map[string][]string{${entries.join(", ")}}`;
  return `&user.DefaultInfo{Name:${JSON.stringify(name)}, UID:${JSON.stringify(uid)}, Groups:${groupsText}, Extra:${extraText}}`;
}
