// Runs what came in together once per frame; at once when the page is hidden, since there are no
// frames then.

type Task = () => void;

let queue: Task[] = [];
let planned = false;

export function inFrame(task: Task): void {
  queue.push(task);
  if (planned) return;
  planned = true;
  if (document.hidden) setTimeout(run, 0);
  else requestAnimationFrame(run);
}

function run(): void {
  planned = false;
  const tasks = queue;
  queue = [];
  for (const task of tasks) task();
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden && planned) run();
});
