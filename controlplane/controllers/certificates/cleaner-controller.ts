import { isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { CertificateSigningRequest } from "../../../client/types.ts";
import type { Controller } from "../controller.ts";
import { isOutdated } from "./plan-cleaning.ts";

const everyMs = 3_600_000;

/** Deletes requests that are of no more use, looking at each of them once an hour. */
export const cleanerController: Controller = {
  name: "certificatesigningrequest-cleaner-controller",
  workers: 1,
  setUp({ client, clock, informers, log }, queue) {
    const requests = informers.informer(resources.certificatesigningrequests);
    requests.subscribe({ onAdd: ({ metadata }: CertificateSigningRequest) => queue.add(metadata.name) });
    return async (name) => {
      const request = requests.getByKey(name);
      if (request === undefined) return;
      if (!isOutdated(request, clock.wallMs())) return { requeueAfterMs: everyMs };
      log.info("deleting a request for a certificate that is of no more use", { name });
      const { uid } = request.metadata;
      try {
        await client.delete(resources.certificatesigningrequests, { name }, { preconditions: { uid } });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return;
    };
  },
};
