/** The kernel's table of IPVS as plain values. Pure. */

/** Where a virtual server is reached; no two are reached at one place. */
export interface ServerPlace {
  readonly version: 4 | 6;
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly address: string;
  readonly port: number;
}

export interface ServerSettings {
  readonly scheduler: string;
  /** So long a client stays with its destination; 0: it does not. */
  readonly persistSeconds: number;
}

export interface Destination {
  readonly address: string;
  readonly port: number;
  /** 0: no new connections. */
  readonly weight: number;
}

/** One that the kernel has. */
export interface CountedDestination extends Destination {
  readonly connections: number;
}

export interface VirtualServer extends ServerPlace, ServerSettings {
  /** By their place. */
  readonly destinations: ReadonlyMap<string, Destination>;
}

/** By their place. */
export type ServerTable = ReadonlyMap<string, VirtualServer>;

export type Command =
  | { readonly kind: "addServer" | "setServer"; readonly server: ServerPlace & ServerSettings }
  | { readonly kind: "removeServer"; readonly server: ServerPlace }
  | {
      readonly kind: "addDestination" | "setDestination" | "removeDestination";
      readonly server: ServerPlace;
      readonly destination: Destination;
    };

export const placeOf = ({ address, port, protocol }: ServerPlace): string => `${address} ${protocol} ${port}`;

export const destinationPlace = ({ address, port }: Destination): string => `${address} ${port}`;

/** `add server 10.96.0.1 tcp 80`, for people. */
export function commandText(command: Command): string {
  const what = command.kind.replace(/[A-Z]/, (letter) => ` ${letter.toLowerCase()}`);
  const place = placeOf(command.server);
  return "destination" in command
    ? `${what} ${destinationPlace(command.destination)} of ${place}`
    : `${what} ${place}`;
}
