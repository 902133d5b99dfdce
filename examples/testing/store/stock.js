/** Takes so many of an article, if there are as many: of callers at once each sees what the one before left. */
export async function take(store, article, wanted) {
  const { changed } = await store.update(`stock/${article}`, (there = 0) =>
    there >= wanted ? there - wanted : undefined,
  );
  return changed;
}
