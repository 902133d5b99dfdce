import { importImage } from "../import-image.ts";
import { ImageStore } from "../store.ts";

/** A process of its own that imports: STORE LAYERS ARCHIVE. */
const [dir = "", layersDir = "", archive = ""] = process.argv.slice(2);
await importImage(await ImageStore.open(dir, { layersDir }), archive);
