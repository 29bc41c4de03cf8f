// Texts by key, plural forms by the rules of the language, parameters isolated from the sentence
// around them.

import en from './en.json';

type Entry = string | Readonly<Record<string, string>>;
export type Catalogue = Readonly<Record<string, Entry>>;
export type TextKey = keyof typeof en;
export type Values = Readonly<Record<string, string | number>>;

/** In builds for tests only: English with every text twice as long. */
const PSEUDO = import.meta.env.VITE_PSEUDO === '1';

export type Language = 'en' | 'ar' | 'en-XA';
export const LANGUAGES: Readonly<Partial<Record<Language, string>>> = {
  en: 'English',
  ar: 'العربية',
  ...(PSEUDO && { 'en-XA': 'Doubled' }),
};

const FSI = '\u2068';
const PDI = '\u2069';

let shown = $state.raw<{ language: Language; catalogue: Catalogue }>({ language: 'en', catalogue: en });

export async function setLanguage(language: Language): Promise<void> {
  let catalogue: Catalogue = language === 'ar' ? (await import('./ar.json')).default : en;
  if (PSEUDO && language === 'en-XA') catalogue = (await import('./pseudo')).doubled(en);
  shown = { language, catalogue };
  document.documentElement.lang = language;
  document.documentElement.dir = language === 'ar' ? 'rtl' : 'ltr';
}

/** How dates and numbers are written: as the browser does it, if it speaks this language. */
export function locale(): string {
  return navigator.languages.find((other) => other.split('-')[0] === shown.language) ?? shown.language;
}

export function isRtl(): boolean {
  return shown.language === 'ar';
}

/** The text of a key. `count` chooses the plural form. */
export function t(key: TextKey, values?: Values): string {
  return format(shown.catalogue, locale(), key, values);
}

/** The text of a key made at run time, or of another key when there is none. */
export function tOr(key: string, other: TextKey, values?: Values): string {
  return t(key in en ? (key as TextKey) : other, values);
}

export function format(catalogue: Catalogue, locale: string, key: TextKey, values?: Values): string {
  const entry: Entry = catalogue[key] ?? (en as Catalogue)[key] ?? key;
  const text = typeof entry === 'string' ? entry : plural(entry, locale, Number(values?.count ?? 0));
  if (!values) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? number(value, locale) : `${FSI}${value}${PDI}`;
  });
}

type Rules = { plural: Intl.PluralRules; number: Intl.NumberFormat };
/** Rules that were made: making them takes far longer than using them. */
const known = new Map<string, Rules>();

function rules(locale: string): Rules {
  let made = known.get(locale);
  if (!made) {
    made = { plural: new Intl.PluralRules(locale), number: new Intl.NumberFormat(locale) };
    known.set(locale, made);
  }
  return made;
}

function plural(forms: Readonly<Record<string, string>>, locale: string, count: number): string {
  return forms[rules(locale).plural.select(count)] ?? forms.other ?? '';
}

function number(value: number, locale: string): string {
  return rules(locale).number.format(value);
}
