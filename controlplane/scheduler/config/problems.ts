/** What is wrong with a value of the configuration file, in the words of Kubernetes' field errors. */

export const invalid = (path: string, value: unknown, detail: string): string =>
  `${path}: Invalid value: ${shown(value)}: ${detail}`;

export const required = (path: string, detail = ""): string =>
  `${path}: Required value${detail === "" ? "" : `: ${detail}`}`;

export const duplicate = (path: string, value: unknown): string =>
  `${path}: Duplicate value: ${JSON.stringify(value)}`;

export const forbidden = (path: string, detail: string): string => `${path}: Forbidden: ${detail}`;

export const unsupported = (path: string, value: unknown, supported: readonly string[]): string => {
  const list = [...supported].sort().map((one) => JSON.stringify(one));
  return `${path}: Unsupported value: ${JSON.stringify(value)}: supported values: ${list.join(", ")}`;
};

const shown = (value: unknown): string => JSON.stringify(value);

/** Thrown with every problem of a file. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}
