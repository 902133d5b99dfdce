import { familyBits, type IpRange, parseAddress, parseIpRange } from "../../base/ip-range.ts";
import type { ClientRequest } from "./client-request.ts";
import { isPreflight, preflightHeaders } from "./cors.ts";
import type { Gate } from "./route.ts";

/** An answer that needs no backend. */
export interface OwnAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** What is answered in place of the route's action; undefined: nothing speaks against it. Pure. */
export function stoppedAtGate(
  gate: Gate,
  request: ClientRequest,
  hasCertificate: boolean,
): OwnAnswer | undefined {
  if (!mayPass(gate, request.clientAddress)) return { status: 403, headers: {} };
  const { front } = request;
  const toTls = gate.toTls === "always" || (gate.toTls === "ifServed" && hasCertificate);
  if (toTls && !front.isTls && front.tlsPort !== undefined) {
    const port = front.tlsPort === 443 ? "" : `:${front.tlsPort}`;
    const { rawPath, query } = request.target;
    return { status: 308, headers: { location: `https://${request.host}${port}${rawPath}${query}` } };
  }
  if (gate.cors !== undefined && isPreflight(request))
    return { status: 204, headers: preflightHeaders(gate.cors, request) };
  return undefined;
}

function mayPass({ allow, deny }: Gate, address: string): boolean {
  if (allow.length === 0 && deny.length === 0) return true;
  if (deny.some((range) => isWithin(range, address))) return false;
  return allow.length === 0 || allow.some((range) => isWithin(range, address));
}

const ranges = new Map<string, IpRange | undefined>();
const rangesKept = 10_000;

export function isWithin(text: string, address: string): boolean {
  if (!ranges.has(text)) {
    if (ranges.size >= rangesKept) ranges.clear();
    ranges.set(
      text,
      text.includes("/") ? parseIpRange(text) : parseIpRange(`${text}/${text.includes(":") ? 128 : 32}`),
    );
  }
  const range = ranges.get(text);
  const parsed = parseAddress(address);
  if (range === undefined || parsed === undefined || range.family !== parsed.family) return false;
  const rest = BigInt(familyBits[range.family] - range.prefixBits);
  return parsed.value >> rest === range.first >> rest;
}
