/** IPv4 addresses as numbers, and blocks of them. Pure. */
export interface Ipv4Range {
  /** The first address. */
  readonly first: number;
  readonly prefixBits: number;
  readonly size: number;
  /** Canonical: made from the numbers, not taken from the input. */
  readonly text: string;
}

/** `undefined` for anything but four decimal bytes without leading zeros. */
export function parseIpv4(text: string): number | undefined {
  // By hand: a node asks this of every endpoint in the cluster.
  if (text.length > 15) return undefined;
  let value = 0;
  let byte = 0;
  let digits = 0;
  let dots = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 46) {
      if (digits === 0 || ++dots > 3) return undefined;
      value = value * 256 + byte;
      byte = digits = 0;
    } else {
      // After a leading zero nothing follows.
      if (code < 48 || code > 57 || (digits > 0 && byte === 0)) return undefined;
      byte = byte * 10 + code - 48;
      if (byte > 255) return undefined;
      digits++;
    }
  }
  return dots === 3 && digits > 0 ? value * 256 + byte : undefined;
}

export function ipv4Text(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
}

/** The hardware address for a link that has this address: locally administered, and the same each time the link is made. */
export function hardwareAddressFor(text: string): string {
  const bytes = [0x02, 0x50, ...text.split(".").map(Number)];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** `10.96.0.0/16`; `undefined` when it is not a block's first address with a length of 0 to 32. */
export function parseIpv4Range(text: string): Ipv4Range | undefined {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(text);
  const first = parseIpv4(match?.[1] ?? "");
  const prefixBits = Number(match?.[2]);
  if (first === undefined || prefixBits > 32) return undefined;
  return first % 2 ** (32 - prefixBits) === 0 ? ipv4Range(first, prefixBits) : undefined;
}

export function ipv4Range(first: number, prefixBits: number): Ipv4Range {
  return { first, prefixBits, size: 2 ** (32 - prefixBits), text: `${ipv4Text(first)}/${prefixBits}` };
}

export function contains(range: Ipv4Range, address: number): boolean {
  return address >= range.first && address < range.first + range.size;
}

export function overlap(a: Ipv4Range, b: Ipv4Range): boolean {
  return a.first < b.first + b.size && b.first < a.first + a.size;
}
