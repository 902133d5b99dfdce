import { systemClock } from "../../../base/os/clock.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { MemoryStorage } from "../registry/memory-storage.ts";
import { storageSuite } from "../registry/storage.suite.ts";
import { readEncryption } from "./configuration.ts";
import { EncryptedStorage } from "./encrypted-storage.ts";

const secret = Buffer.alloc(32, 7).toString("base64");
for (const cipher of ["aesgcm", "aescbc"]) {
  const everything = readEncryption(
    {
      apiVersion: "apiserver.config.k8s.io/v1",
      kind: "EncryptionConfiguration",
      resources: [{ resources: ["*.*"], providers: [{ [cipher]: { keys: [{ name: "k", secret }] } }] }],
    },
    systemRandom,
    [],
  );
  storageSuite(`a store encrypted with ${cipher}`, async () => ({
    storage: new EncryptedStorage(
      new MemoryStorage(systemClock),
      () => "things",
      () => everything,
    ),
    prefix: "/registry/suite/",
  }));
}
