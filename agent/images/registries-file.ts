import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { ifPresent } from "../../base/os/if-present.ts";
import { ImageError } from "./image.ts";
import { isRecord } from "./image-documents.ts";

/** How registries are reached: k3s' registries.yaml. Mirrors are asked in their order, then the registry itself. */
export interface Registries {
  /** URLs by registry; `*`: of all that are not named. */
  readonly mirrors: Readonly<Record<string, readonly URL[]>>;
  /** By host, with its port where that is not the usual one. */
  readonly hosts: Readonly<Record<string, HostSettings>>;
}

export interface HostSettings {
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Paths of PEM files. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly insecureSkipVerify?: boolean;
}

export const noRegistries: Registries = { mirrors: {}, hosts: {} };

/** As the file is now; where there is none, no registry has a mirror. Rejects with ImageError, naming what is wrong. */
export async function readRegistries(path: string | undefined): Promise<Registries> {
  const text = path === undefined ? undefined : await ifPresent(readFile(path, "utf8"));
  if (text === undefined || path === undefined) return noRegistries;
  try {
    return parseRegistries(parse(text) ?? {}, dirname(path));
  } catch (cause) {
    throw new ImageError(`${path} cannot be used`, { cause });
  }
}

/** Pure. What it does not know it refuses: a misspelt authority would be no authority. */
export function parseRegistries(document: unknown, folder: string): Registries {
  const { mirrors = {}, configs = {} } = fields(document, "the file", ["mirrors", "configs"]);
  return {
    mirrors: Object.fromEntries(
      entries(mirrors, "mirrors").map(([name, mirror]) => {
        const { endpoint = [] } = fields(mirror ?? {}, `mirrors of ${name}`, ["endpoint"]);
        if (!Array.isArray(endpoint)) throw new ImageError(`mirrors of ${name}: endpoint is not a list`);
        return [name, endpoint.map((one) => endpointUrl(one, name))];
      }),
    ),
    hosts: Object.fromEntries(
      entries(configs, "configs").map(([name, settings]) => [
        name,
        hostSettings(settings ?? {}, name, folder),
      ]),
    ),
  };
}

function hostSettings(settings: unknown, name: string, folder: string): HostSettings {
  const where = `configs of ${name}`;
  const { auth, tls } = fields(settings, where, ["auth", "tls"]);
  const login = fields(auth ?? {}, where, ["username", "password", "auth"]);
  const files = fields(tls ?? {}, where, ["ca_file", "cert_file", "key_file", "insecure_skip_verify"]);
  const path = (value: unknown) => (value === undefined ? undefined : resolve(folder, textOf(value, where)));
  const [caFile, certFile, keyFile] = [path(files.ca_file), path(files.cert_file), path(files.key_file)];
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new ImageError(`${where}: cert_file and key_file belong together`);
  const skips = files.insecure_skip_verify ?? false;
  if (typeof skips !== "boolean") throw new ImageError(`${where}: insecure_skip_verify is not true or false`);
  return {
    ...(auth !== undefined && { credentials: credentialsOf(login, where) }),
    ...(caFile !== undefined && { caFile }),
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
    ...(skips && { insecureSkipVerify: true }),
  };
}

function credentialsOf(
  login: Readonly<Record<string, unknown>>,
  where: string,
): HostSettings["credentials"] & object {
  const text =
    login.auth === undefined
      ? `${textOf(login.username, where)}:${textOf(login.password, where)}`
      : Buffer.from(textOf(login.auth, where), "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) throw new ImageError(`${where}: auth is not a user and a password in base64`);
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Plain http only where the file says so. */
function endpointUrl(value: unknown, name: string): URL {
  const text = textOf(value, `mirrors of ${name}`);
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new ImageError(`mirrors of ${name}: ${JSON.stringify(text)} is not an http or https URL`);
  const url = new URL(text);
  if (url.username !== "" || url.search !== "" || url.hash !== "")
    throw new ImageError(`mirrors of ${name}: ${JSON.stringify(text)} has more than a host and a path`);
  const path = url.pathname.replace(/\/+$/, "");
  url.pathname = path.endsWith("/v2") ? `${path}/` : `${path}/v2/`;
  return url;
}

function textOf(value: unknown, where: string): string {
  if (typeof value !== "string" || value === "") throw new ImageError(`${where}: something is not a text`);
  return value;
}

const entries = (value: unknown, where: string): [string, unknown][] => {
  if (!isRecord(value)) throw new ImageError(`${where} is not an object`);
  return Object.entries(value);
};

function fields(value: unknown, where: string, known: readonly string[]): Record<string, unknown> {
  if (!isRecord(value)) throw new ImageError(`${where} is not an object`);
  const unknown = Object.keys(value).filter((key) => !known.includes(key));
  if (unknown.length > 0) throw new ImageError(`${where}: ${unknown.join(", ")} is not supported`);
  return value;
}
