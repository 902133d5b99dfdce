import type { Access } from "./access.ts";
import { HttpPost, verdictOfStatus } from "./http-post.ts";
import { type LokiShape, lokiBody } from "./loki-body.ts";
import type { Receiver } from "./receiver.ts";

/** Loki's push. It answers 400 where one line is too old, too long or wrong, and may have taken the others: what is sent again is
 *  the same line at the same time, which it keeps once. */
export function lokiReceiver(access: Access, shape: LokiShape): Receiver {
  const http = new HttpPost(access);
  return {
    async send(records, signal) {
      const options = { contentType: "application/json", signal };
      return verdictOfStatus(await http.post("/loki/api/v1/push", lokiBody(records, shape), options));
    },
    close: async () => http.close(),
  };
}
