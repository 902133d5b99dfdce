import { readFileSync } from "node:fs";
import { systemClock } from "../../base/os/clock.ts";
import { type FlagValues, UsageError } from "../../base/os/flags.ts";
import { systemRandom } from "../../base/os/random.ts";
import type { ClientTls } from "../../store/client/grpc/dial.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import type { StoreClient } from "../../store/client/store-client.ts";

/** How a command reaches running members; etcdctl's names. */
export const memberFlags = {
  endpoints: {
    kind: "list",
    default: ["http://127.0.0.1:2379"],
    value: "URLS",
    help: "the members' client URLs",
  },
  cacert: { kind: "string", value: "FILE", help: "the authority of the members' certificates, PEM" },
  cert: { kind: "string", value: "FILE", help: "the certificate that says who asks, PEM" },
  key: { kind: "string", value: "FILE", help: "its key, PEM" },
} as const;
type MemberFlags = FlagValues<typeof memberFlags>;

/** Hands a client of those members to `use`, and closes it afterwards. */
export async function withMembers<T>(
  flags: MemberFlags,
  use: (client: StoreClient) => Promise<T>,
): Promise<T> {
  const client = membersClient(flags);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

/** A client of those members; close it. Throws UsageError. */
export function membersClient(flags: MemberFlags): StoreClient {
  try {
    const tls = tlsOf(flags);
    return openStoreClient(
      { endpoints: flags.endpoints, ...(tls && { tls }) },
      { clock: systemClock, random: systemRandom },
    );
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** The one member that a command is about: another's answer would be another's. */
export function onlyEndpoint({ endpoints }: MemberFlags): string {
  const [endpoint, ...more] = endpoints;
  if (endpoint === undefined || more.length > 0) throw new UsageError("--endpoints: name one member");
  return endpoint;
}

function tlsOf({ cacert, cert, key }: MemberFlags): ClientTls | undefined {
  if (cacert === undefined && cert === undefined && key === undefined) return undefined;
  if ((cert === undefined) !== (key === undefined)) throw new UsageError("--cert and --key go together");
  return {
    ...(cacert !== undefined && { ca: pem("cacert", cacert) }),
    ...(cert !== undefined && { certificate: pem("cert", cert) }),
    ...(key !== undefined && { key: pem("key", key) }),
  };
}

function pem(flag: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`--${flag}: cannot read ${path}: ${error instanceof Error ? error.message : error}`);
  }
}
