// Texts about groups and communities. They stand apart from those of the page while the page shows
// neither: nobody loads them. When it does, they move to `i18n` as they are.

import { format, isRtl, locale, t as page, type Catalogue, type TextKey, type Values } from '../../i18n/runtime.svelte';
import ar from './texts/ar.json';
import en from './texts/en.json';

export type OwnKey = keyof typeof en;

/** The text of a key, of these or of the page. */
export function t(key: OwnKey | TextKey, values?: Values): string {
  if (!(key in en)) return page(key as TextKey, values);
  const shown: Catalogue = isRtl() ? ar : en;
  return format(shown, locale(), key as string as TextKey, values);
}
