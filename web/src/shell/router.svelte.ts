// Where the user is. The address never changes and holds no id: places live in `history.state`,
// conversations under handles that are random in each run.

export type Screen =
  | 'home'
  | 'chat'
  | 'info'
  | 'message'
  | 'timer'
  | 'new'
  | 'requests'
  | 'search'
  | 'settings'
  | 'network'
  | 'welcome';

export type Route = { screen: Screen; conversation?: string; message?: number; page?: string; within?: string };
type Kept = { run: string; depth: number; handle: number };

const run = crypto.randomUUID();
const routes: Route[] = [{ screen: 'home' }];
const state = $state<{ route: Route; depth: number }>({ route: { screen: 'home' }, depth: 0 });

export const router = {
  get route(): Route {
    return state.route;
  },
  get depth(): number {
    return state.depth;
  },
};

/** Goes to a place, one step deeper. */
export function go(route: Route): void {
  write(route, state.depth + 1, false);
}

/** Goes to a place that takes the place of this one. */
export function swap(route: Route): void {
  write(route, state.depth, true);
}

/** Shows a conversation beside the list that led to it, or over it where there is no room. */
export function showBeside(route: Route, conversation: string, message?: number): void {
  if (innerWidth < 900) go({ screen: 'chat', conversation, message });
  else swap({ ...route, conversation, message });
}

/** From one conversation to another, or from the list to one: Back always leads to the list. */
export function show(route: Route): void {
  if (state.depth > 0) swap(route);
  else go(route);
}

export function back(): void {
  if (state.depth > 0) history.back();
  else swap({ screen: 'home' });
}

/** Back to the list, whatever lies between. */
export function home(): void {
  if (state.depth > 0) history.go(-state.depth);
  else swap({ screen: 'home' });
}

/** Goes to a place from wherever one is; Back leads to the list. */
export function goFromList(route: Route): void {
  if (state.depth === 0) return go(route);
  addEventListener('popstate', () => go(route), { once: true });
  history.go(-state.depth);
}

let restarting: Route | null = null;

/** Leaves all places behind: this one is shown at once, and Back leads to the list. */
export function restart(route: Route): void {
  const waits = restarting !== null;
  if (state.depth === 0 && !waits) return route.screen === 'home' ? undefined : go(route);
  restarting = route;
  state.route = route;
  if (waits) return;
  const arrived = () => {
    const next = restarting;
    restarting = null;
    if (next && next.screen !== 'home') go(next);
  };
  addEventListener('popstate', arrived, { once: true });
  history.go(-state.depth);
}

export function startRouter(): void {
  write({ screen: 'home' }, 0, true);
  addEventListener('popstate', (event) => {
    const kept = event.state as Kept | null;
    const known = kept?.run === run ? routes[kept.handle] : undefined;
    state.route = known ?? { screen: 'home' };
    state.depth = known ? (kept?.depth ?? 0) : 0;
  });
}

function write(route: Route, depth: number, replace: boolean): void {
  if (restarting) {
    // It is reached once the places behind are left.
    restarting = route;
    state.route = route;
    return;
  }
  const kept: Kept = { run, depth, handle: routes.push(route) - 1 };
  if (replace) history.replaceState(kept, '');
  else history.pushState(kept, '');
  state.route = route;
  state.depth = depth;
}
