import { strict as assert } from "node:assert";
import { silentLog } from "../../base/os/log.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import { hostImage, hostImageName } from "./host-image.ts";
import { ImageManager, ImageUnavailable } from "./image-manager.ts";
import { imagesOf } from "./pull.ts";
import { parseReference, referenceText } from "./reference.ts";

describe("an image that a container cannot have", () => {
  const ensure = async (image: string, policy: string) => {
    const os = { clock: new ManualClock(), random: { uint32: () => 0 }, log: silentLog };
    const store = {
      find: async (name: string) =>
        referenceText(parseReference(name)) === hostImageName ? hostImage : undefined,
    };
    const said: string[] = [];
    const onEvent = (type: string, reason: string, message: string) =>
      said.push(`${type} ${reason}: ${message}`);
    const signal = new AbortController().signal;
    const request = { image, podUid: "p", policy, credentialsFor: async () => [], onEvent, signal };
    const refused = await new ImageManager(imagesOf(store as never), os as never, { allowHostImage: false })
      .ensure(request)
      .catch((error) => error);
    assert.ok(refused instanceof ImageUnavailable);
    return { said, reason: refused.reason, message: refused.message };
  };

  it("is told of by the event ErrImageNeverPull where it is never pulled", async () => {
    const message = 'Container image "absent" is not present with pull policy of Never';
    assert.deepEqual(await ensure("absent", "Never"), {
      said: [`Warning ErrImageNeverPull: ${message}`, "Warning Failed: Error: ErrImageNeverPull"],
      reason: "ErrImageNeverPull",
      message,
    });
  });

  it("is told of by the event InspectFailed where its name cannot be read", async () => {
    const { said, reason, message } = await ensure("Bad:::name", "IfNotPresent");
    assert.equal(reason, "InvalidImageName");
    assert.match(message, /^Failed to apply default image tag "Bad:::name": couldn't parse image name/);
    assert.deepEqual(said, [`Warning InspectFailed: ${message}`, "Warning Failed: Error: InvalidImageName"]);
  });

  it("is told of by the event Failed, with the cause, where it cannot be pulled", async () => {
    const { said, reason, message } = await ensure("127.0.0.1:1/nobody/nothing:v0", "IfNotPresent");
    assert.equal(reason, "ErrImagePull");
    assert.match(message, /cannot reach 127\.0\.0\.1:1/);
    assert.deepEqual(said, [
      'Normal Pulling: Pulling image "127.0.0.1:1/nobody/nothing:v0"',
      `Warning Failed: Failed to pull image "127.0.0.1:1/nobody/nothing:v0": ${message}`,
      "Warning Failed: Error: ErrImagePull",
    ]);
  });

  it("is the host's own where the agent does not allow it: event and reason tell the flag", async () => {
    const { said, reason, message } = await ensure("pintle.local/host", "IfNotPresent");
    assert.equal(reason, "HostImageNotAllowed");
    assert.match(message, /start its agent with --allow-host-image/);
    assert.deepEqual(said, [`Warning Failed: ${message}`]);
  });
});
