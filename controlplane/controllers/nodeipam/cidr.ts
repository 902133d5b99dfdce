/** IPv4 ranges as numbers. Pure. */
export interface Ipv4Cidr {
  /** The first address, as an unsigned 32-bit number. */
  readonly base: number;
  readonly maskSize: number;
}

/** The range, or undefined when the text is none or has bits set behind the mask. */
export function parseIpv4Cidr(text: string): Ipv4Cidr | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (match === null) return undefined;
  const [a = 256, b = 256, c = 256, d = 256, maskSize = 33] = match.slice(1).map(Number);
  if ([a, b, c, d].some((part) => part > 255) || maskSize > 32) return undefined;
  const base = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
  return base % 2 ** (32 - maskSize) === 0 ? { base, maskSize } : undefined;
}

export function cidrText({ base, maskSize }: Ipv4Cidr): string {
  return `${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join(".")}/${maskSize}`;
}

/** The ranges of `maskSize` in `whole`, in order. */
export function* subranges(whole: Ipv4Cidr, maskSize: number): Generator<Ipv4Cidr, void, void> {
  const size = 2 ** (32 - maskSize);
  const count = 2 ** (maskSize - whole.maskSize);
  for (let i = 0; i < count; i++) yield { base: whole.base + i * size, maskSize };
}

export function overlap(a: Ipv4Cidr, b: Ipv4Cidr): boolean {
  const end = ({ base, maskSize }: Ipv4Cidr) => base + 2 ** (32 - maskSize);
  return a.base < end(b) && b.base < end(a);
}
