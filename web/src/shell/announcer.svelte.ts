// What is spoken to people who listen to the page.

export const announced = $state({ polite: '', assertive: '' });

let joined: { text: string; several: (count: number) => string }[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

/** Speaks when there is a pause. Several within a second become one. */
export function announce(text: string, several?: (count: number) => string): void {
  joined.push({ text: text.slice(0, 200), several: several ?? (() => text) });
  if (timer !== undefined) return;
  announced.polite = '';
  timer = setTimeout(
    () => {
      const first = joined[0];
      const count = joined.length;
      joined = [];
      timer = undefined;
      if (first) announced.polite = count === 1 ? first.text : first.several(count);
    },
    several ? 1000 : 100,
  );
}

/** Leaves no word of what was said. */
export function hush(): void {
  clearTimeout(timer);
  timer = undefined;
  joined = [];
  announced.polite = '';
}

export function alarm(text: string): void {
  announced.assertive = '';
  setTimeout(() => (announced.assertive = text), 100);
}
