// Loader hooks (`module.register`): wrong pieces of text in the modules of a member under test. The product itself knows nothing of it.
let replacements = [];

/** `data`: [{ file, search, replace }], `file` being the end of a module's URL. */
export function initialize(data) {
  replacements = data;
}

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  const wanted = replacements.filter(({ file }) => url.endsWith(file));
  if (wanted.length === 0) return loaded;
  let text = Buffer.from(loaded.source).toString();
  for (const { file, search, replace } of wanted) {
    if (!text.includes(search)) throw new Error(`sabotage: ${file} has no "${search}" any more`);
    text = text.replaceAll(search, replace);
  }
  return { ...loaded, source: text };
}
