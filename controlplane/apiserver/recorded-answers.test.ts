import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { issuingConfig, newSigningKey } from "./authentication/testing.ts";
import {
  answersOf,
  managersByName,
  recordedFiles,
  recordedIn,
  recordedPath,
  tokenClient,
} from "./recorded-answers.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

/** That of the reference. */
const referenceIssuer = "https://bench";

/** What the reference says now is what ours is held to from then on. */
async function record(file: string, url: string, token: string): Promise<void> {
  const recorded: Record<string, unknown> = {};
  for (const [at, [name, steps]] of Object.entries(recordedIn(file)).entries())
    recorded[name] = await answersOf(
      tokenClient(url, token),
      steps,
      `rec-${Date.now().toString(36)}-${at}`,
      tokenClient(url, ""),
    );
  writeFileSync(recordedPath(file), `${JSON.stringify(recorded, null, 1)}\n`);
}

describe("answers as a real kube-apiserver gave them", () => {
  const files = recordedFiles();
  const { REFERENCE_URL, REFERENCE_TOKEN = "" } = process.env;
  let server: TestApiserver;
  before(async () => {
    const authentication = issuingConfig(newSigningKey().pem, { issuing: { issuer: referenceIssuer } });
    server = await startTestApiserver({ config: { authentication, disabledAdmission: ["ServiceAccount"] } });
    if (REFERENCE_URL !== undefined)
      for (const file of files) await record(file, REFERENCE_URL, REFERENCE_TOKEN);
  });
  after(() => server.stop());

  for (const file of files) {
    const sequences = recordedIn(file);
    const topic = file.replace(".json", "");
    for (const [at, name] of Object.keys(sequences).entries())
      it(`${topic}: ${name}`, async () => {
        const wanted = recordedIn(file)[name] ?? [];
        const given = await answersOf(server.admin, wanted, `${topic}-${at}`, server.stranger);
        for (const [step, { ask, answer }] of wanted.entries())
          assert.deepEqual(
            given[step]?.answer,
            answer && managersByName(answer),
            `${ask} ${JSON.stringify(wanted[step]?.body)}`,
          );
      });
  }
});
