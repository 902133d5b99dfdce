import type { Os } from "../../base/os/os.ts";
import type { TaskScope } from "../../base/os/task-scope.ts";
import type { RestClient } from "../../client/rest.ts";
import type { AgentServer } from "../server/server.ts";
import type { Purpose } from "./identity-folder.ts";
import { type Membership, restOf } from "./join.ts";
import { keepCertificate } from "./keep-certificate.ts";

export interface IdentityDeps {
  readonly os: Os;
  readonly client: RestClient;
  readonly tasks: TaskScope;
  readonly server: AgentServer;
  /** Count what failed. */
  readonly renewals: Readonly<Record<Purpose, { inc(): void }>>;
}

/** A member renews its certificates itself.
 *  @param serving Under which address it serves with one that it asks for; undefined where it was given one. */
export function keepIdentity(
  { nodeName, folder, cluster }: Membership,
  serving: string | undefined,
  { os, client, tasks, server, renewals }: IdentityDeps,
): void {
  const keeper = { nodeName, folder, client, os };
  tasks.run("client certificate", (signal) =>
    keepCertificate(
      {
        ...keeper,
        purpose: "client",
        addresses: [],
        onCertificate: (one) => client.renew(restOf(cluster, one)),
        onFailure: () => renewals.client.inc(),
      },
      signal,
    ),
  );
  if (serving === undefined) return;
  tasks.run("serving certificate", (signal) =>
    keepCertificate(
      {
        ...keeper,
        purpose: "serving",
        addresses: [serving],
        onCertificate: (one) => server.renew(one),
        onFailure: () => renewals.serving.inc(),
      },
      signal,
    ),
  );
}
