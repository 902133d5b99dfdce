import { createSecureContext } from "node:tls";
import { filledText, type OptionKind, type OptionKinds, optionProblems, truth } from "../../base/options.ts";
import { UsageError } from "../../base/os/flags.ts";
import type { ConnectOptions } from "./connect.ts";
import { type Endpoint, parseEndpoint } from "./endpoints.ts";
import type { ClientTls } from "./grpc/dial.ts";
import { addresses, listed, openKinds } from "./keyspace/open-kinds.ts";

const anything: OptionKind = { fits: () => true, must: "" };
const kinds: OptionKinds = { ...openKinds, endpoints: addresses, user: anything, tls: anything };
const text: OptionKind = { fits: (value) => typeof value === "string", must: "a text" };
const userKinds: OptionKinds = { name: filledText, password: text };
const tlsKinds: OptionKinds = {
  ca: filledText,
  certificate: filledText,
  key: filledText,
  serverName: filledText,
  skipVerify: truth,
};

/** The endpoints that the options name. Throws UsageError, a line for each thing that is wrong. */
export function endpointsOf<V>(options: Omit<ConnectOptions<V>, "codec">): readonly Endpoint[] {
  const problems = [...optionProblems(options, kinds)];
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  const { user, tls } = options;
  if (user !== undefined) {
    problems.push(...optionProblems(user, userKinds, "user"));
    if (user?.name === undefined) problems.push("user.name: is needed");
    if (user?.password === undefined) problems.push("user.password: is needed");
  }
  if (tls !== undefined) problems.push(...tlsProblems(tls));
  const endpoints: Endpoint[] = [];
  if (problems.length === 0) {
    const urls = listed(options.endpoints);
    if (urls.length === 0) problems.push("endpoints: at least one is needed");
    for (const url of urls)
      try {
        const endpoint = parseEndpoint(url, tls !== undefined);
        if (tls !== undefined && !endpoint.secure) problems.push(`tls: ${url} is spoken to without TLS`);
        endpoints.push(endpoint);
      } catch (error) {
        problems.push((error as Error).message);
      }
  }
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return endpoints;
}

function tlsProblems(tls: ClientTls): readonly string[] {
  const problems = optionProblems(tls, tlsKinds, "tls");
  if (problems.length > 0) return problems;
  const { ca, certificate, key } = tls;
  if ((certificate === undefined) !== (key === undefined)) return ["tls: certificate and key go together"];
  if (ca !== undefined && !ca.includes("-----BEGIN ")) return ["tls.ca: is no PEM text"];
  try {
    createSecureContext({ ca, cert: certificate, key });
    return [];
  } catch (error) {
    return [`tls: ${(error as Error).message}`];
  }
}
