/** A place in a container, as a browser names it. */
export interface Place {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Absolute. */
  readonly path: string;
}

const pathBytesMost = 4_096;
const nameBytesMost = 255;
const objectName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** Throws TypeError saying what is wrong. Pure. */
export function readPlace(given: Readonly<Record<string, unknown>>): Place {
  const { path } = given;
  const name = (field: "namespace" | "pod" | "container"): string => {
    const value = given[field];
    if (typeof value !== "string" || !objectName.test(value))
      throw new TypeError(`${field}: it must be a name`);
    return value;
  };
  if (typeof path !== "string" || !path.startsWith("/") || path.includes("\0"))
    throw new TypeError("path: it must begin with / and hold no NUL");
  if (Buffer.byteLength(path) > pathBytesMost)
    throw new TypeError(`path: it has more than ${pathBytesMost} bytes`);
  return {
    namespace: name("namespace"),
    pod: name("pod"),
    container: name("container"),
    path: path.replace(/\/+/g, "/"),
  };
}

/** A name within a folder. Throws TypeError saying what is wrong. Pure. */
export function readFileName(name: unknown): string {
  if (typeof name !== "string" || name === "" || name === "." || name === ".." || /[/\0]/.test(name))
    throw new TypeError('name: it must be a file\'s name, without "/"');
  if (Buffer.byteLength(name) > nameBytesMost)
    throw new TypeError(`name: it has more than ${nameBytesMost} bytes`);
  return name;
}

/** The folder that holds a path, and its name there; of `/` itself the name is `.`. Pure. */
export function splitPath(path: string): { readonly folder: string; readonly name: string } {
  const plain = path.replace(/\/$/, "");
  const at = plain.lastIndexOf("/");
  return { folder: plain.slice(0, at) || "/", name: plain.slice(at + 1) || "." };
}
