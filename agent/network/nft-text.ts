import { isIpv6 } from "../../base/ipv6.ts";

/** Text for nft and for iptables-restore, made only by this file: fixed words of ours with atoms put in. An atom is checked
 *  whatever it is said to be – a whole number, a name, an address, a range – so that no input, however it got here, can end a
 *  rule and begin another. */
export class NftText {
  readonly text: string;
  /** Not for others: `nft` and `nftList` check what goes in. */
  private constructor(text: string) {
    this.text = text;
  }

  static of(words: readonly string[], atoms: readonly NftAtom[]): NftText {
    return new NftText(words.map((fixed, at) => (at === 0 ? "" : atomText(atoms[at - 1])) + fixed).join(""));
  }

  static list(parts: readonly NftText[]): NftText {
    return new NftText(parts.map(({ text }) => text).join(", "));
  }
}

export type NftAtom = string | number | NftText;

/** Something that would not be one word of nft's language. */
export class NftInputError extends Error {
  override readonly name = "NftInputError";
}

/** nft`ip daddr ${address} goto ${chain}` */
export function nft(words: TemplateStringsArray, ...atoms: readonly NftAtom[]): NftText {
  return NftText.of(words, atoms);
}

/** Parts with commas between them. */
export function nftList(parts: readonly NftText[]): NftText {
  return NftText.list(parts);
}

const word = /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[0-9]{1,2})?$/;

/** Whether it can be put in as it is. */
export const isWord = (text: string): boolean => word.test(text);

function atomText(atom: NftAtom | undefined): string {
  if (atom instanceof NftText) return atom.text;
  if (typeof atom === "number") {
    if (Number.isSafeInteger(atom) && atom >= 0) return String(atom);
  } else if (atom !== undefined && (word.test(atom) || isIpv6Text(atom))) return atom;
  throw new NftInputError(`${JSON.stringify(atom) ?? "nothing"} is neither a name, an address nor a number`);
}

/** An address or a range of IPv6. */
function isIpv6Text(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const isWhole = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= 128);
  return isIpv6(address) && isWhole && more.length === 0;
}
