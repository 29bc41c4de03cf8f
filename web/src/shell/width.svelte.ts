// The width of the window, as the steps of the layout.

export const view = $state({ width: innerWidth });

addEventListener('resize', () => (view.width = innerWidth));

export const isPhone = () => view.width < 600;
export const isNarrow = () => view.width < 900;
export const isWide = () => view.width >= 1200;
export const coarse = () => matchMedia('(pointer: coarse)').matches;
