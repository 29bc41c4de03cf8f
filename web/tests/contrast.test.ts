import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

type Rgb = [number, number, number];
type Colours = Map<string, Rgb>;

const css = ['tokens', 'accents']
  .map((name) => readFileSync(new URL(`../src/styles/${name}.css`, import.meta.url), 'utf8'))
  .join('\n');

/** Colours a rule sets, by the beginning of its selector. */
function rule(selector: string): Colours {
  const from = css.indexOf(`\n${selector} {`);
  if (from < 0) throw new Error(`no rule ${selector}`);
  const body = css.slice(from, css.indexOf('}', from));
  const found: Colours = new Map();
  for (const [, name, hex] of body.matchAll(/(--[\w-]+): #([0-9A-Fa-f]{6});/g)) {
    const number = Number.parseInt(hex!, 16);
    found.set(name!, [number >> 16, (number >> 8) & 255, number & 255]);
  }
  return found;
}

function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: Rgb, other: Rgb): number {
  const [high, low] = [luminance(one), luminance(other)].sort((first, second) => second - first) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const mix = (one: Rgb, other: Rgb, part: number): Rgb =>
  one.map((value, index) => value * part + other[index]! * (1 - part)) as Rgb;

const THEMES = { paper: rule(':root,\n[data-theme="paper"]'), ink: rule('[data-theme="ink"]') };
const ACCENTS = ['juniper', 'iris', 'ocean', 'meadow', 'ember', 'rose', 'slate'];
const SURFACES = ['canvas', 'pane', 'raised', 'sunken', 'hover'];

function colours(theme: keyof typeof THEMES, accent: string): (name: string) => Rgb {
  const all = new Map(THEMES[theme]);
  if (accent !== 'juniper') {
    const selector = theme === 'paper' ? `[data-accent="${accent}"]` : `[data-accent="${accent}"][data-theme="ink"]`;
    for (const [name, colour] of rule(selector)) all.set(name, colour);
  }
  all.set('--c-quote-own', mix(all.get('--c-accent')!, all.get('--c-own')!, 0.08));
  all.set('--c-quote-other', mix(all.get('--c-accent')!, all.get('--c-raised')!, 0.08));
  return (name) => {
    const colour = all.get(name.startsWith('p-') ? `--${name}` : `--c-${name}`);
    if (!colour) throw new Error(`no colour ${name}`);
    return colour;
  };
}

const TEXT: [string, string[]][] = [
  ['text', [...SURFACES, 'own', 'accent-soft', 'quote-own', 'quote-other']],
  ['text-2', [...SURFACES, 'own', 'accent-soft', 'quote-own', 'quote-other']],
  ['text-3', [...SURFACES, 'accent-soft']],
  ['accent-text', [...SURFACES, 'own', 'accent-soft', 'quote-own', 'quote-other']],
  ['on-accent', ['accent', 'accent-press']],
  ['danger-text', [...SURFACES, 'own', 'danger-soft']],
  ['on-danger', ['danger']],
  ['warn-text', ['pane', 'warn-soft']],
  ['ok-text', ['pane', 'ok-soft']],
  ['info-text', ['pane', 'info-soft']],
  ['on-toast', ['toast']],
  ['on-call', ['call']],
];
const LINES: [string, string[]][] = [
  ['line-strong', SURFACES],
  ['accent', [...SURFACES, 'own']],
  ['ok', ['pane']],
];

describe.each(Object.keys(THEMES) as (keyof typeof THEMES)[])('%s', (theme) => {
  describe.each(ACCENTS)('%s', (accent) => {
    const colour = colours(theme, accent);

    it.each(TEXT)('%s can be read', (front, backs) => {
      for (const back of backs) {
        expect(contrast(colour(front), colour(back)), `${front} on ${back}`).toBeGreaterThanOrEqual(4.5);
      }
    });

    it.each(LINES)('%s can be seen', (front, backs) => {
      for (const back of backs) {
        expect(contrast(colour(front), colour(back)), `${front} on ${back}`).toBeGreaterThanOrEqual(3);
      }
    });
  });

  it.each(Array.from({ length: 12 }, (_, index) => index))('person %i can be read', (index) => {
    const colour = colours(theme, 'juniper');
    expect(contrast(colour(`p-${index}-letters`), colour(`p-${index}-disc`))).toBeGreaterThanOrEqual(6.5);
    expect(contrast(colour(`p-${index}-name`), colour('raised'))).toBeGreaterThanOrEqual(7);
  });
});

it('says every colour of a theme once', () => {
  expect(css).not.toContain('prefers-color-scheme');
  for (const [name, theme] of Object.entries(THEMES)) expect(theme.size, name).toBeGreaterThan(60);
  for (const accent of ACCENTS.slice(1)) {
    expect(css.split(`\n[data-accent="${accent}"] {`), accent).toHaveLength(2);
    expect(css.split(`\n[data-accent="${accent}"][data-theme="ink"] {`), accent).toHaveLength(2);
  }
});
