import type { CertificatePem } from "../../client/rules/tls-secret.ts";
import type { Change } from "./data-plane.ts";
import type { FrontPorts, OpenedPorts } from "./serving.ts";

/** What the agent's thread and the one that answers requests say to each other. Nothing else passes between them. */

export interface ThreadData {
  readonly fallback: CertificatePem;
}

export type Told =
  | { readonly kind: "changes"; readonly changes: readonly Change[] }
  | { readonly kind: "open"; readonly id: number; readonly ports: FrontPorts }
  | { readonly kind: "shut"; readonly id: number; readonly entry: string | undefined }
  | { readonly kind: "stop" };

export const logLevels = ["debug", "info", "warn", "error"] as const;

export type Said =
  | { readonly kind: "done"; readonly id: number; readonly opened: OpenedPorts | undefined }
  | {
      readonly kind: "log";
      readonly level: (typeof logLevels)[number];
      readonly message: string;
      readonly fields: Readonly<Record<string, string>>;
    };
