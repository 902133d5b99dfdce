import type { ContainerConfig, SandboxConfig } from "../seam.ts";

/** What the runtime keeps for us beside what it knows itself: how an agent that starts anew finds its pods. */
export const keptKeys = {
  /** Whose the sandbox or container is: of several nodes on one runtime. */
  nodeLabel: "pintle.dev/node",
  sandbox: "pintle.dev/sandbox",
  container: "pintle.dev/container",
} as const;

export type KeptSandbox = SandboxConfig;
export type KeptContainer = Pick<
  ContainerConfig,
  "image" | "imageId" | "annotations" | "stdin" | "stdinOnce" | "tty"
>;

/** Undefined for what is not ours, or was not kept whole. */
export const keptSandbox = (text: string | undefined): KeptSandbox | undefined => {
  const value = parsed(text);
  if (value === undefined || !isObject(value.pod) || !Array.isArray(value.hostPorts)) return undefined;
  if (![value.pod.namespace, value.pod.name, value.pod.uid].every((one) => typeof one === "string"))
    return undefined;
  if (!isObject(value.dns) || !Array.isArray(value.hostNames) || !Array.isArray(value.hostAliases))
    return undefined;
  return value as unknown as KeptSandbox;
};

export const keptContainer = (text: string | undefined): KeptContainer | undefined => {
  const value = parsed(text);
  if (value === undefined || !isTexts(value.annotations)) return undefined;
  if (typeof value.image !== "string" || typeof value.imageId !== "string") return undefined;
  return value as unknown as KeptContainer;
};

export const textOfContainer = (config: ContainerConfig): string => {
  const { image, imageId, annotations, stdin, stdinOnce, tty } = config;
  return JSON.stringify({ image, imageId, annotations, stdin, stdinOnce, tty });
};

export function isTexts(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((one) => typeof one === "string");
}

function parsed(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
