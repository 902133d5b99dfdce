import { createHash } from "node:crypto";
import type { Secret } from "../../client/types.ts";
import { ImageError } from "./image.ts";
import type { Reference } from "./reference.ts";
import type { Credentials } from "./registry.ts";

/** Credentials, and which pull secret they are from. */
export interface PullCredentials extends Credentials {
  /** Equal for equal credentials; tells nothing of them. */
  readonly hash: string;
  readonly secret: PullSecret;
}

export interface PullSecret {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

interface DockerEntry {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
}
type DockerConfig = Readonly<Record<string, DockerEntry>>;

/** What pull secrets hold for an image, the entries for the longest path first (kubelet's docker keyring). Throws
 *  ImageError on a secret that cannot be read. */
export function pullCredentials(
  secrets: readonly Secret[],
  reference: Pick<Reference, "registry" | "repository">,
): readonly PullCredentials[] {
  const found = secrets.flatMap((secret) =>
    Object.entries(configOf(secret)).map(([location, entry]) => ({
      place: placeOf(location),
      credentials: credentialsOf(secret, entry),
    })),
  );
  const matching = found
    .filter(({ place }) => matches(place, `${reference.registry}/${reference.repository}`))
    .sort((a, b) => (a.place < b.place ? 1 : a.place > b.place ? -1 : 0));
  const chosen =
    matching.length > 0 || reference.registry !== "docker.io"
      ? matching
      : found.filter(({ place }) => place === "index.docker.io");
  return chosen.map(({ credentials }) => credentials);
}

function configOf({ type, data = {}, metadata }: Secret): DockerConfig {
  const bytes = (key: string) => Buffer.from(data[key] ?? "", "base64").toString("utf8");
  const isJson = type === "kubernetes.io/dockerconfigjson";
  const text = isJson
    ? bytes(".dockerconfigjson")
    : type === "kubernetes.io/dockercfg"
      ? bytes(".dockercfg")
      : "";
  if (text === "") return {};
  try {
    const document: unknown = JSON.parse(text);
    const auths = isJson ? (document as { auths?: DockerConfig } | null)?.auths : (document as DockerConfig);
    return auths ?? {};
  } catch (cause) {
    throw new ImageError(`pull secret ${metadata.namespace}/${metadata.name} is no JSON`, { cause });
  }
}

function credentialsOf({ metadata }: Secret, entry: DockerEntry): PullCredentials {
  const { name, namespace = "", uid } = metadata;
  const auth = entry.auth ? Buffer.from(entry.auth, "base64").toString("utf8") : undefined;
  const colon = auth?.indexOf(":") ?? -1;
  const username = auth === undefined ? (entry.username ?? "") : auth.slice(0, colon);
  const password = auth === undefined ? (entry.password ?? "") : auth.slice(colon + 1);
  if (auth !== undefined && colon < 0)
    throw new ImageError(
      `pull secret ${namespace}/${name}: unable to parse auth field, must be formatted as base64(username:password)`,
    );
  const hash = createHash("sha256")
    .update(JSON.stringify([username, password]))
    .digest("hex");
  return { username, password, hash, secret: { namespace, name, uid } };
}

/** Host and path that an entry is for: `https://quay.io/v2/` is `quay.io`. */
function placeOf(location: string): string {
  const bare = location.replace(/^https?:\/\//, "");
  const slash = bare.indexOf("/");
  if (slash < 0) return bare;
  const path = bare.slice(slash).replace(/^\/v[12]\//, "/");
  return path === "/" ? bare.slice(0, slash) : bare.slice(0, slash) + path;
}

/** Each part of the host by itself (`*.example.com` is one level), the port exactly, the path as a prefix. */
function matches(place: string, image: string): boolean {
  const [wanted, given] = [split(place), split(image)];
  return (
    wanted.port === given.port &&
    wanted.parts.length === given.parts.length &&
    given.path.startsWith(wanted.path) &&
    wanted.parts.every((part, at) => globMatches(part, given.parts[at] ?? ""))
  );
}

function split(place: string): { parts: readonly string[]; port: string; path: string } {
  const [, host = "", port = "", path = ""] = /^(\[[^\]]*\]|[^:/]*)(?::(\d+))?(\/.*)?$/.exec(place) ?? [];
  return { parts: host.split("."), port, path };
}

/** `*` is any text, `?` any sign. In linear steps a star: both texts are the pod author's. */
function globMatches(glob: string, text: string): boolean {
  let [at, place, star, resume] = [0, 0, -1, 0];
  while (place < text.length)
    if (glob[at] === "*") [star, resume] = [at++, place];
    else if (glob[at] === "?" || glob[at] === text[place]) [at, place] = [at + 1, place + 1];
    else if (star >= 0) [at, place] = [star + 1, ++resume];
    else return false;
  return /^\**$/.test(glob.slice(at));
}
