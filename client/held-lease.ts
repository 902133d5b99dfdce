/** A Lease as its holder knows it: the term in which something was decided. */
export interface HeldLease {
  readonly namespace: string;
  readonly name: string;
  /** The Lease's `holderIdentity`. */
  readonly holder: string;
  /** Its `leaseTransitions`, which count up with each new term and stay as they are when it is renewed. */
  readonly transitions: number;
  /** Absent: whichever Lease has that name, though it was deleted and made anew. */
  readonly uid?: string;
}

/** The request header that says under which Lease a write was decided. Our API servers refuse the write with 412 and the reason
 *  `LeaseNotHeld` where it would be stored once that Lease is no longer held so; others pass it over. */
export const heldLeaseHeader = "pintle-held-lease";

export const heldLeaseReason = "LeaseNotHeld";

/** The header's value: pairs as in the query of a URL. */
export function heldLeaseText({ namespace, name, holder, transitions, uid }: HeldLease): string {
  const pairs = {
    namespace,
    name,
    holder,
    transitions: String(transitions),
    ...(uid !== undefined && { uid }),
  };
  return new URLSearchParams(pairs).toString();
}

const textLengthMost = 2048;
const transitionsMost = 2 ** 31 - 1;
/** By `.`-separated labels of DNS; a namespace has one. */
const label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const forms: Readonly<Record<string, RegExp>> = {
  namespace: new RegExp(`^${label}$`),
  name: new RegExp(`^(?=.{1,253}$)${label}(\\.${label})*$`),
  holder: /^[^\p{Cc}\uFFFD]+$/u,
  transitions: /^(0|[1-9][0-9]{0,9})$/,
  uid: /^[\x21-\x7e]{1,128}$/,
};

/** What the header says, or what is wrong with it. */
export function parseHeldLease(text: string): HeldLease | { readonly problem: string } {
  if (text.length > textLengthMost) return { problem: `is longer than ${textLengthMost} characters` };
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return { problem: "has a % that begins no escape" };
  const said = new Map<string, string>();
  for (const [key, value] of new URLSearchParams(text)) {
    const form = Object.hasOwn(forms, key) ? forms[key] : undefined;
    if (form === undefined) return { problem: `has ${JSON.stringify(key)}, which is none of its names` };
    if (said.has(key)) return { problem: `says ${key} twice` };
    if (!form.test(value)) return { problem: `has a ${key} that can be none: ${JSON.stringify(value)}` };
    said.set(key, value);
  }
  const missing = ["namespace", "name", "holder", "transitions"].filter((key) => !said.has(key));
  if (missing.length > 0) return { problem: `lacks ${missing.join(", ")}` };
  const [namespace = "", name = "", holder = ""] = ["namespace", "name", "holder"].map((key) =>
    said.get(key),
  );
  const transitions = Number(said.get("transitions"));
  if (transitions > transitionsMost) return { problem: `has more transitions than ${transitionsMost}` };
  const uid = said.get("uid");
  return { namespace, name, holder, transitions, ...(uid !== undefined && { uid }) };
}
