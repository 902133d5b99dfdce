import type { Netlink } from "../../netlink/netlink-socket.ts";

/** The kernel's side of IPVS, as `net/netfilter/ipvs/ip_vs_ctl.c` answers: it reads and writes bytes by itself, and shares
 *  nothing with what it is to be asked by. Little-endian, as the machines that run tests. */
export class MockIpvs implements Netlink {
  readonly hasAnswered = true;
  readonly services = new Map<string, MockService>();
  schedulers: readonly string[] = ["rr", "wrr", "lc", "sh"];
  /** Protocols that it was built with. */
  protocols: readonly number[] = [6, 17, 132];
  hasFamily = true;
  /** Of every request, in words: what a test may look at. */
  readonly asked: string[] = [];
  readonly #family = 0x1d;

  close(): void {}

  async ask(bytes: Uint8Array): Promise<Uint8Array> {
    const answers: Buffer[] = [];
    const all = Buffer.from(bytes);
    for (let at = 0; at < all.length; ) {
      const length = all.readUInt32LE(at);
      if (length < 20 || at + length > all.length) throw new Error("EINVAL: no whole message");
      answers.push(...this.#answer(all.subarray(at, at + length)));
      at += (length + 3) & ~3;
    }
    return Buffer.concat(answers);
  }

  #answer(message: Buffer): readonly Buffer[] {
    const [type, flags, sequence] = [
      message.readUInt16LE(4),
      message.readUInt16LE(6),
      message.readUInt32LE(8),
    ];
    const command = message.readUInt8(16);
    const attributes = parse(message.subarray(20));
    const error = (errno: number) =>
      frame(2, { flags: 0x100, sequence }, [int(-errno), message.subarray(0, 16)]);
    if ((flags & 1) === 0) return [];
    if (type === 0x10) {
      const name = text(attributes.get(2));
      if (command !== 3 || !this.hasFamily || name !== "IPVS") return [error(errnos.ENOENT)];
      const found = [
        attr(2, Buffer.from("IPVS\0")),
        attr(1, short(this.#family)),
        attr(3, int(1)),
        attr(4, int(0)),
      ];
      return [frame(0x10, { flags: 0, sequence }, [Buffer.from([1, 2, 0, 0]), ...found]), error(0)];
    }
    if (type !== this.#family || !this.hasFamily) return [error(errnos.ENOENT)];
    if ((flags & 0x300) === 0x300) {
      const rows = command === 4 ? this.#listServices() : this.#listDestinations(attributes);
      const head = Buffer.from([command === 4 ? 1 : 5, 1, 0, 0]);
      return [
        ...rows.map((row) => frame(this.#family, { flags: 2, sequence }, [head, row])),
        frame(3, { flags: 2, sequence }, [int(0)]),
      ];
    }
    const errno = this.#set(command, attributes);
    return errno !== 0 || (flags & 4) !== 0 ? [error(errno)] : [];
  }

  /** Answers an error's number; 0: it is done. */
  #set(command: number, attributes: Attributes): number {
    if (command === 17) {
      this.services.clear();
      this.asked.push("flush");
      return 0;
    }
    const given = attributes.get(1);
    if (given === undefined) return errnos.EINVAL;
    const isFull = command === 1 || command === 2;
    const service = parseService(parse(given), isFull);
    if (typeof service === "number") return service;
    const known = this.services.get(service.key);
    if (command !== 1 && known === undefined) return errnos.ESRCH;
    const say = (what: string) => this.asked.push(`${what} ${service.key}`);
    if (command === 1) {
      if (known !== undefined) return errnos.EEXIST;
      if (service.mark === undefined && !this.protocols.includes(service.protocol))
        return errnos.EPROTONOSUPPORT;
      if (!this.schedulers.includes(service.scheduler)) return errnos.ENOENT;
      this.services.set(service.key, service);
      say("new service");
      return 0;
    }
    if (known === undefined) return errnos.ESRCH;
    if (command === 2) {
      if (!this.schedulers.includes(service.scheduler)) return errnos.ENOENT;
      this.services.set(service.key, { ...service, destinations: known.destinations });
      say("set service");
      return 0;
    }
    if (command === 3) {
      this.services.delete(service.key);
      say("delete service");
      return 0;
    }
    const destination = parseDestination(attributes.get(2), { family: known.family, isFull: command !== 7 });
    if (typeof destination === "number") return destination;
    const before = known.destinations.get(destination.key);
    if (command === 5 ? before !== undefined : before === undefined)
      return command === 5 ? errnos.EEXIST : errnos.ENOENT;
    if (command === 7) known.destinations.delete(destination.key);
    else if (command === 5 || command === 6) {
      const { active = 0, inactive = 0 } = before ?? {};
      known.destinations.set(destination.key, { ...destination, active, inactive });
    } else return errnos.EOPNOTSUPP;
    say(`${{ 5: "new", 6: "set", 7: "delete" }[command]} ${destination.key} weight ${destination.weight} in`);
    return 0;
  }

  #listServices(): readonly Buffer[] {
    return [...this.services.values()].map((one) =>
      attr(
        1 | nestedFlag,
        Buffer.concat([
          attr(1, short(one.family)),
          ...(one.mark === undefined
            ? [attr(2, short(one.protocol)), attr(3, one.address), attr(4, portBytes(one.port))]
            : [attr(5, int(one.mark))]),
          attr(6, Buffer.from(`${one.scheduler}\0`)),
          attr(7, Buffer.concat([int(one.flags | 2), int(-1)])),
          attr(8, int(one.timeout)),
          attr(9, one.netmask),
          attr(10 | nestedFlag, Buffer.concat([attr(1, int(7)), attr(2, int(70))])),
        ]),
      ),
    );
  }

  #listDestinations(attributes: Attributes): readonly Buffer[] {
    const service = parseService(parse(attributes.get(1) ?? Buffer.alloc(0)), false);
    const found = typeof service === "number" ? undefined : this.services.get(service.key);
    return [...(found?.destinations.values() ?? [])].map((one) =>
      attr(
        2 | nestedFlag,
        Buffer.concat([
          attr(1, one.address),
          attr(2, portBytes(one.port)),
          attr(3, int(0)),
          attr(4, int(one.weight)),
          attr(5, int(0)),
          attr(6, int(0)),
          attr(7, int(one.active)),
          attr(8, int(one.inactive)),
          attr(9, int(0)),
          attr(11, short(found?.family ?? 0)),
        ]),
      ),
    );
  }
}

export interface MockService {
  readonly key: string;
  readonly family: number;
  readonly mark: number | undefined;
  readonly protocol: number;
  readonly address: Buffer;
  readonly port: number;
  readonly scheduler: string;
  readonly flags: number;
  readonly timeout: number;
  readonly netmask: Buffer;
  readonly destinations: Map<string, MockDestination>;
}

export interface MockDestination {
  readonly key: string;
  readonly address: Buffer;
  readonly port: number;
  readonly weight: number;
  active: number;
  inactive: number;
}

type Attributes = ReadonlyMap<number, Buffer>;

const errnos = {
  ENOENT: 2,
  ESRCH: 3,
  EEXIST: 17,
  EINVAL: 22,
  ERANGE: 34,
  EPROTONOSUPPORT: 93,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
};
const nestedFlag = 0x8000;

function parseService(given: Attributes, isFull: boolean): MockService | number {
  const [family, protocol, address, port, mark] = [1, 2, 3, 4, 5].map((of) => given.get(of));
  if (family?.length !== 2) return errnos.EINVAL;
  if (mark === undefined && (protocol?.length !== 2 || address?.length !== 16 || port?.length !== 2))
    return errnos.EINVAL;
  const af = family.readUInt16LE(0);
  if (af !== 2 && af !== 10) return errnos.EAFNOSUPPORT;
  const [scheduler, flags, timeout, netmask] = [6, 7, 8, 9].map((of) => given.get(of));
  if (isFull) {
    if (flags?.length !== 8 || timeout?.length !== 4 || netmask?.length !== 4) return errnos.EINVAL;
    if (scheduler === undefined || scheduler.at(-1) !== 0 || scheduler.length > 16) return errnos.EINVAL;
    const bits = netmask.readUInt32LE(0);
    if (af === 10 && (bits < 1 || bits > 128)) return errnos.EINVAL;
  }
  const place = mark === undefined ? shown(address, af, { protocol, port }) : `mark ${mark.readUInt32LE(0)}`;
  return {
    key: place,
    family: af,
    mark: mark?.readUInt32LE(0),
    protocol: protocol?.readUInt16LE(0) ?? 0,
    address: address ?? Buffer.alloc(16),
    port: port?.readUInt16BE(0) ?? 0,
    scheduler: text(scheduler),
    flags: (flags?.readUInt32LE(0) ?? 0) & (flags?.readUInt32LE(4) ?? 0),
    timeout: timeout?.readUInt32LE(0) ?? 0,
    netmask: netmask ?? Buffer.alloc(4),
    destinations: new Map(),
  };
}

function parseDestination(
  given: Buffer | undefined,
  { family, isFull }: { readonly family: number; readonly isFull: boolean },
): MockDestination | number {
  if (given === undefined) return errnos.EINVAL;
  const found = parse(given);
  const [address, port, method, weight, upper, lower] = [1, 2, 3, 4, 5, 6].map((of) => found.get(of));
  if (address?.length !== 16 || port?.length !== 2) return errnos.EINVAL;
  if (isFull && [method, weight, upper, lower].some((one) => one?.length !== 4)) return errnos.EINVAL;
  const af = found.get(11)?.readUInt16LE(0) ?? family;
  if (af !== family) return errnos.EINVAL;
  if ((weight?.readInt32LE(0) ?? 0) < 0) return errnos.ERANGE;
  if (method !== undefined && method.readUInt32LE(0) !== 0) return errnos.EINVAL;
  return {
    key: `${addressOf(address, family)}:${port.readUInt16BE(0)}`,
    address,
    port: port.readUInt16BE(0),
    weight: weight?.readInt32LE(0) ?? 0,
    active: 0,
    inactive: 0,
  };
}

function shown(
  address: Buffer | undefined,
  family: number,
  { protocol, port }: { readonly protocol: Buffer | undefined; readonly port: Buffer | undefined },
): string {
  const name = { 6: "tcp", 17: "udp", 132: "sctp" }[protocol?.readUInt16LE(0) ?? 0];
  return `${addressOf(address ?? Buffer.alloc(16), family)}:${port?.readUInt16BE(0)}/${name}`;
}

/** In IPv6 all groups, so that nothing about their shortening is shared. */
function addressOf(bytes: Buffer, family: number): string {
  if (family === 2) return [...bytes.subarray(0, 4)].join(".");
  return Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16)).join(":");
}

function parse(bytes: Buffer): Attributes {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) throw new Error("EINVAL: no whole attribute");
    found.set(bytes.readUInt16LE(at + 2) & ~nestedFlag, bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}

function attr(type: number, content: Buffer): Buffer {
  const bytes = Buffer.alloc((4 + content.length + 3) & ~3);
  bytes.writeUInt16LE(4 + content.length, 0);
  bytes.writeUInt16LE(type, 2);
  content.copy(bytes, 4);
  return bytes;
}

function frame(
  type: number,
  { flags, sequence }: { readonly flags: number; readonly sequence: number },
  parts: readonly Buffer[],
): Buffer {
  const payload = Buffer.concat(parts);
  const bytes = Buffer.alloc((16 + payload.length + 3) & ~3);
  bytes.writeUInt32LE(16 + payload.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.writeUInt32LE(sequence, 8);
  bytes.writeUInt32LE(4242, 12);
  payload.copy(bytes, 16);
  return bytes;
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value | 0);
  return bytes;
}

function short(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function portBytes(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

const text = (bytes: Buffer | undefined): string =>
  (bytes ?? Buffer.alloc(0)).toString("latin1").replace(/\0.*$/s, "");
