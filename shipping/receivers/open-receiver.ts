import type { Os } from "../../base/os/os.ts";
import type { ReceiverChoice } from "../config/receivers.ts";
import type { Receiver } from "./receiver.ts";

/** Only what is used is loaded. */
export async function openReceiver(
  choice: ReceiverChoice,
  os: Pick<Os, "clock" | "random">,
): Promise<Receiver> {
  switch (choice.kind) {
    case "elasticsearch":
      return (await import("./elasticsearch.ts")).elasticsearchReceiver(choice.access, choice.shape);
    case "loki":
      return (await import("./loki.ts")).lokiReceiver(choice.access, choice.shape);
    case "otlp": {
      const { access, shape } = choice;
      if (choice.protocol === "grpc")
        return (await import("./otlp-grpc.ts")).otlpGrpcReceiver(access, shape, os);
      return (await import("./otlp.ts")).otlpHttpReceiver(access, shape);
    }
    case "file":
      return (await import("./file.ts")).fileReceiver(choice.path, choice.rotation);
  }
}
