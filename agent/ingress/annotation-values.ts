/** Reads the values of annotations. Each answers undefined for what it cannot read. Pure. */

export function readSwitch(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  if (["true", "on", "1"].includes(word)) return true;
  return ["false", "off", "0"].includes(word) ? false : undefined;
}

const secondsMost = 86_400 * 365;

/** Whole seconds, as ingress-nginx has them; `60s` is taken, too. */
export function readSeconds(text: string): number | undefined {
  const match = /^(\d{1,9})s?$/.exec(text.trim());
  const seconds = Number(match?.[1]);
  return seconds <= secondsMost ? seconds : undefined;
}

export function readCount(text: string): number | undefined {
  return /^\d{1,6}$/.test(text.trim()) ? Number(text.trim()) : undefined;
}

const units: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `8m`, `512k`, `1g`, `0`. */
export function readBytes(text: string): number | undefined {
  const match = /^(\d{1,9})([kmg]?)b?$/i.exec(text.trim());
  return match === null ? undefined : Number(match[1]) * (units[(match[2] ?? "").toLowerCase()] ?? 1);
}

/** Words between commas. */
export function readList(text: string): readonly string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

/** What may stand in a header's value and does not end it. */
export function readHeaderText(text: string): string | undefined {
  return /^[\x20-\x7e]{1,1000}$/.test(text) ? text : undefined;
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;

export function readToken(text: string): string | undefined {
  return token.test(text) ? text : undefined;
}

/** Where a client may be led to: an absolute address or a path. nginx's variables are not known here. */
export function readLocation(text: string): string | undefined {
  if (!/^[\x21-\x7e]{1,2000}$/.test(text) || /[$\\"<>]/.test(text)) return undefined;
  return /^(https?:\/\/[^/]|\/(?!\/))/i.test(text) ? text : undefined;
}
