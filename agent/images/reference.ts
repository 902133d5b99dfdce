/** An image's name, complete: registry, repository, and tag or digest. */
export interface Reference {
  /** `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** `library/nginx`. */
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:…`; goes before the tag. */
  readonly digest?: string;
}

export class InvalidImageName extends Error {
  override readonly name = "InvalidImageName";
}

const pattern =
  /^((?:[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*\/)*[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)(?::(\w[\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/;

/** Reads a name as Docker does. Throws InvalidImageName. */
export function parseReference(text: string): Reference {
  const slash = text.indexOf("/");
  const first = slash < 0 ? "" : text.slice(0, slash);
  const hasRegistry = /[.:]/.test(first) || first === "localhost";
  const registry = hasRegistry ? first : "docker.io";
  const match = pattern.exec(hasRegistry ? text.slice(slash + 1) : text);
  if (match?.[1] === undefined || !/^[a-z0-9][\w.-]*(:\d{1,5})?$|^\[[0-9a-f:]+\](:\d{1,5})?$/i.test(registry))
    throw new InvalidImageName(`couldn't parse image name "${text}": invalid reference format`);
  const [, name, tag, digest] = match;
  const repository = registry === "docker.io" && !name.includes("/") ? `library/${name}` : name;
  return {
    registry,
    repository,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
    ...(tag === undefined && digest === undefined && { tag: "latest" }),
  };
}

/** The complete name: what images are kept under. A digest makes the tag meaningless. */
export function referenceText({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${digest === undefined ? `:${tag}` : `@${digest}`}`;
}

/** The name without tag and digest. */
export function repositoryText({ registry, repository }: Reference): string {
  return `${registry}/${repository}`;
}

/** The pull policy that holds where the pod names none. */
export function defaultPullPolicy(image: string): "Always" | "IfNotPresent" {
  const { tag, digest, registry } = parseReference(image);
  return tag === "latest" && digest === undefined && registry !== "pintle.local" ? "Always" : "IfNotPresent";
}
