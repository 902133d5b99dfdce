import { UsageError } from "../../../base/os/flags.ts";

export interface CriChoice {
  /** `unix:///run/containerd/containerd.sock`. */
  readonly endpoint: string;
  /** The runtime's own by default. */
  readonly imageEndpoint?: string | undefined;
  readonly nodeName: string;
  /** Where the runtime says by default. */
  readonly cniConfDir?: string | undefined;
  readonly cniBinDir?: string | undefined;
}

const form = /^unix:\/\/(\/[^\0]{1,100})$/;

export const isSocketUrl = (text: string): boolean => form.test(text);

/** The path in `unix:///path`. Throws UsageError. */
export function socketOf(flag: string, endpoint: string): string {
  const path = form.exec(endpoint)?.[1];
  if (path === undefined) throw new UsageError(`--${flag}: ${JSON.stringify(endpoint)} is not unix:///PATH`);
  return path;
}
