import { readFile } from "node:fs/promises";
import type * as http from "node:http";
import { Agent } from "node:https";
import { rootCertificates } from "node:tls";
import { describeError } from "../../base/os/log.ts";
import { ImageError } from "./image.ts";
import type { HostSettings, Registries } from "./registries-file.ts";
import { type Credentials, Registry } from "./registry.ts";

/** Where an image may come from: its registry's mirrors, then the registry itself. What one does not give, the next is asked for;
 *  one that could not be reached is not asked again. Whoever asks checks what came by its digest. */
export class RegistryHosts {
  readonly #hosts: Registry[];

  private constructor(hosts: Registry[]) {
    this.#hosts = hosts;
  }

  /** A pod's credentials are for the registry alone, not for its mirrors: those have the file's. Rejects with ImageError. */
  static async open(
    registry: string,
    credentials: Credentials | undefined,
    { mirrors, hosts }: Registries,
  ): Promise<RegistryHosts> {
    const all: Registry[] = [];
    for (const base of mirrors[registry] ?? mirrors["*"] ?? []) {
      const settings = hosts[base.host] ?? {};
      all.push(
        new Registry({
          base,
          credentials: settings.credentials,
          agent: await agentOf(settings),
          upstream: registry,
        }),
      );
    }
    const host = registry === "docker.io" ? "registry-1.docker.io" : registry;
    const isLocal = /^(localhost|127\.[\d.]+|\[::1\])(:\d+)?$/.test(host);
    const settings = hosts[registry] ?? hosts[host] ?? {};
    // Plain http only on loopback addresses, and there only where no TLS is asked for.
    const scheme =
      isLocal && Object.keys(settings).every((name) => name === "credentials") ? "http" : "https";
    all.push(
      new Registry({
        base: new URL(`${scheme}://${host}/v2/`),
        credentials: credentials ?? settings.credentials,
        agent: await agentOf(settings),
      }),
    );
    return new RegistryHosts(all);
  }

  /** GET below /v2/ of whoever answers well first. */
  async get(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<http.IncomingMessage> {
    const errors: unknown[] = [];
    for (const host of [...this.#hosts]) {
      try {
        return await host.get(path, headers, signal);
      } catch (error) {
        signal.throwIfAborted();
        errors.push(error);
        const at = this.#hosts.indexOf(host);
        if (host.isUnreachable && at >= 0 && this.#hosts.length > 1) this.#hosts.splice(at, 1);
      }
    }
    if (errors.length === 1) throw errors[0];
    throw new ImageError(`[${errors.map(describeError).join(", ")}]`);
  }
}

async function agentOf(settings: HostSettings): Promise<Agent | undefined> {
  const { caFile, certFile, keyFile, insecureSkipVerify } = settings;
  if (caFile === undefined && certFile === undefined && insecureSkipVerify !== true) return undefined;
  const read = (path: string) =>
    readFile(path, "utf8").catch((cause: unknown) => {
      throw new ImageError(`cannot read ${path}`, { cause });
    });
  return new Agent({
    ...(caFile !== undefined && { ca: [...rootCertificates, await read(caFile)] }),
    ...(certFile !== undefined && { cert: await read(certFile) }),
    ...(keyFile !== undefined && { key: await read(keyFile) }),
    rejectUnauthorized: insecureSkipVerify !== true,
  });
}
