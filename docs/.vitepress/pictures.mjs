// Puts a page's own SVG pictures into the page, where they take its colours: as files of their own, which is how they are shown
// elsewhere, they have a style element with colours for light and dark, left out here.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export function inlinePictures(markdown) {
  const asImage = markdown.renderer.rules.image;
  markdown.renderer.rules.image = (tokens, at, options, env, self) => {
    const source = tokens[at].attrGet("src") ?? "";
    if (!source.endsWith(".svg") || /^[a-z]+:|^\//.test(source))
      return asImage(tokens, at, options, env, self);
    const picture = readFileSync(join(dirname(env.path), source), "utf8");
    const label = markdown.utils.escapeHtml(tokens[at].content);
    const inPage = picture
      .replace(/<\?xml[^>]*>/, "")
      .replace(/<style>[\s\S]*?<\/style>/, "")
      .replace("<svg ", `<svg aria-label="${label}" `);
    return `<span class="picture-frame">${inPage}</span>`;
  };
}
