import { readFileSync } from "node:fs";
import { UsageError } from "../../../base/os/flags.ts";
import { type SigningAuthority, signingAuthority } from "../../../base/os/sign-certificate.ts";
import { isConflict, isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { CertificateSigningRequest } from "../../../client/types.ts";
import type { Controller } from "../controller.ts";
import { timeText } from "../times.ts";
import { planSigning } from "./plan-signing.ts";

/** Signs requests that were approved, with the cluster's authority. */
export const signingController: Controller = {
  name: "certificatesigningrequest-signing-controller",
  workers: 1,
  enabled: ({ clusterSigning }) => clusterSigning !== undefined,
  setUp(context, queue) {
    const { client, config, informers, clock } = context;
    const { certificateFile = "", keyFile = "", durationMsMax = 0 } = config.clusterSigning ?? {};
    const files = {
      certificatePem: contentOf("--cluster-signing-cert-file", certificateFile),
      privateKeyPem: contentOf("--cluster-signing-key-file", keyFile),
    };
    let authority: Promise<SigningAuthority> | undefined;
    const requests = informers.informer(resources.certificatesigningrequests);
    const enqueue = ({ metadata }: CertificateSigningRequest) => queue.add(metadata.name);
    requests.subscribe({ onAdd: enqueue, onUpdate: enqueue });
    return async (name) => {
      const request = requests.getByKey(name);
      if (request === undefined) return;
      const nowMs = clock.wallMs();
      authority ??= signingAuthority(files);
      const signer = await authority;
      const authorityNotAfterMs = signer.notAfterMs;
      const plan = planSigning(request, { nowMs, durationMsMax, authorityNotAfterMs });
      if (plan.action === "none") return;
      const conditions = request.status?.conditions ?? [];
      const failed = {
        type: "Failed",
        status: "True",
        reason: "SignerValidationFailure",
        message: plan.action === "fail" ? plan.message : "",
        lastUpdateTime: timeText(nowMs),
      };
      const status =
        plan.action === "fail"
          ? { ...request.status, conditions: [...conditions, failed] }
          : {
              ...request.status,
              certificate: Buffer.from(await signer.sign(plan.request, plan.terms)).toString("base64"),
            };
      try {
        await client.updateStatus(resources.certificatesigningrequests, { ...request, status });
      } catch (error) {
        // Changed or gone meanwhile: what the cache shows next decides.
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    };
  },
};

function contentOf(flag: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(
      `${flag}: cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
