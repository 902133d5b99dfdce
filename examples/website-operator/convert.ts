/** Between the versions of Website, without losing anything: `v1alpha1` has `address: "host:port"`, `v1` has both apart.
 *  Pure; `webhook-server.ts` answers with it. */
export function convert(object: VersionedWebsite, desiredVersion: string): VersionedWebsite {
  if (object.apiVersion === desiredVersion) return object;
  switch (desiredVersion) {
    case "operator.example/v1": {
      const { address, ...spec } = object.spec ?? {};
      return { ...object, apiVersion: desiredVersion, spec: { ...spec, ...apart(address) } };
    }
    case "operator.example/v1alpha1": {
      const { host, port, ...spec } = object.spec ?? {};
      return { ...object, apiVersion: desiredVersion, spec: { ...spec, ...joined(host, port) } };
    }
    default:
      throw new Error(`there is no version ${desiredVersion} of websites`);
  }
}

export interface VersionedWebsite {
  readonly apiVersion: string;
  readonly spec?: Readonly<Record<string, unknown>>;
}

function apart(address: unknown): object {
  if (typeof address !== "string") return {};
  const [host = "", port, ...more] = address.split(":");
  if (more.length > 0 || (port !== undefined && !/^\d{1,5}$/.test(port)))
    throw new Error(`spec.address: ${JSON.stringify(address)} is not host:port`);
  return { ...(host !== "" && { host }), ...(port !== undefined && { port: Number(port) }) };
}

function joined(host: unknown, port: unknown): object {
  if (host === undefined && port === undefined) return {};
  return { address: `${host ?? ""}${port === undefined ? "" : `:${port}`}` };
}
