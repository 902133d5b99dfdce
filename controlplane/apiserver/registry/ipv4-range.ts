/** IPv4 addresses as numbers, and blocks of them. Pure. */
export interface Ipv4Range {
  readonly text: string;
  readonly first: number;
  readonly size: number;
}

/** `undefined` for anything but four decimal bytes. */
export function parseIpv4(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let value = 0;
  for (const part of match.slice(1)) {
    if (Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

export function ipv4Text(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
}

/** `10.96.0.0/16`; `undefined` when it is not a block's first address with a length of 8 to 30. */
export function parseIpv4Range(text: string): Ipv4Range | undefined {
  const [address = "", bits = "", ...more] = text.split("/");
  const first = parseIpv4(address);
  const length = Number(bits);
  if (first === undefined || more.length > 0 || !/^\d+$/.test(bits) || length < 8 || length > 30)
    return undefined;
  const size = 2 ** (32 - length);
  return first % size === 0 ? { text, first, size } : undefined;
}

export function contains(range: Ipv4Range, address: number): boolean {
  return address >= range.first && address < range.first + range.size;
}
