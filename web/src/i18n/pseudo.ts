// A language for tests, made of the English texts: everything twice, so that what has no room for
// longer languages shows. Only in builds with VITE_PSEUDO=1.

type Entry = string | Readonly<Record<string, string>>;

export function doubled(catalogue: Readonly<Record<string, Entry>>): Record<string, Entry> {
  return Object.fromEntries(
    Object.entries(catalogue).map(([key, entry]) => [
      key,
      typeof entry === 'string' ? twice(entry) : Object.fromEntries(Object.entries(entry).map(([form, text]) => [form, twice(text)])),
    ]),
  );
}

/** Values stand in it once: they are as long in every language. */
function twice(text: string): string {
  return `${text} ${text.replace(/\{\w+\}/g, '·').replace(/\p{L}/gu, (letter) => (letter === letter.toLowerCase() ? 'ö' : 'Ö'))}`;
}
