// The time for texts such as "Yesterday", looked at every half minute while the page is seen.

export const now = $state({ at: Date.now() });

setInterval(() => {
  if (!document.hidden) now.at = Date.now();
}, 30_000);

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) now.at = Date.now();
});
