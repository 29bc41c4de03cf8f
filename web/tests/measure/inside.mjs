// What watches inside the page. Given to it as a script: uses nothing from outside.

export function watch() {
  const kept = { frames: [], long: [], diffs: [], keys: [], watching: false, run: 0 };

  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) kept.long.push(Math.round(task.duration));
  }).observe({ type: 'longtask' });

  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const { port1, port2 } = new MessageChannel();
  const turns = [];
  port1.onmessage = () => turns.shift()?.();
  const turn = () =>
    new Promise((done) => {
      turns.push(done);
      port2.postMessage(0);
    });
  /** Runs `look` in the next frame; gives what it saw and when that was painted. */
  const painted = async (look) => {
    await frame();
    const seen = look();
    await turn();
    return { seen, at: performance.now() };
  };

  const Native = WebSocket;
  globalThis.WebSocket = class extends Native {
    constructor(...args) {
      super(...args);
      this.addEventListener('message', ({ data }) => {
        if (kept.watching && data.slice(0, 200).includes('"timeline.diff"')) kept.diffs.push(performance.now());
      });
    }
  };

  addEventListener(
    'keydown',
    (event) => {
      if (!kept.watching) return;
      const pressed = event.timeStamp;
      void painted(() => {}).then(({ at }) => kept.keys.push(at - pressed));
    },
    true,
  );

  const looks = {
    /** The messages in view, and where they are. */
    chat: (name) => {
      const box = document.querySelector('[role=log]');
      if (!box || !box.getAttribute('aria-label').includes(name)) return null;
      const { top, bottom } = box.getBoundingClientRect();
      const shown = [];
      for (const item of box.querySelectorAll('[data-item]')) {
        const place = item.getBoundingClientRect();
        if (place.bottom > top && place.top < bottom) shown.push(`${item.dataset.item} ${Math.round(place.top)}`);
      }
      return shown.length === 0 ? null : shown.join();
    },
    /** The rows of the list. */
    list: (name) => {
      const rows = [...document.querySelectorAll('nav a')];
      return rows.some((row) => row.textContent.includes(name)) ? String(rows.length) : null;
    },
    locked: () => (document.querySelector('input[type=password]') ? 'locked' : null),
  };

  globalThis.measuring = {
    kept,
    /** Looks at every frame, which asks for frames where the page would need none. */
    begin(every = true) {
      Object.assign(kept, { frames: [], long: [], diffs: [], keys: [], watching: true });
      kept.run += 1;
      if (!every) return;
      const { run } = kept;
      const next = (at) => {
        if (!kept.watching || kept.run !== run) return;
        kept.frames.push(at);
        requestAnimationFrame(next);
      };
      requestAnimationFrame(next);
    },
    end() {
      kept.watching = false;
      return { ...kept };
    },
    /** After `start`, when `what` was painted first, and when it changed last. */
    async still(start, what, name, quiet = 400) {
      let before = null;
      let first = null;
      let last = null;
      for (const give = performance.now() + 20_000; performance.now() < give; ) {
        const { seen, at } = await painted(() => looks[what](name));
        if (seen !== null && seen !== before) {
          first ??= at;
          last = at;
        }
        before = seen;
        if (last !== null && at - last > quiet) return { first: first - start, settled: last - start };
      }
      throw new Error(`${what} did not come`);
    },
    /** Does something with an element and waits until what comes of it stands still. */
    click(selector, name, what, of) {
      kept.long.length = 0;
      const found = [...document.querySelectorAll(selector)].find((one) => (one.ariaLabel ?? one.textContent).includes(name));
      const start = performance.now();
      found.click();
      return this.still(start, what, of).then((times) => ({ ...times, longest: Math.max(0, ...kept.long) }));
    },
    /** Whether there is a row in the middle of the messages. */
    blank() {
      const box = document.querySelector('[role=log]');
      const { left, top, width, height } = box.getBoundingClientRect();
      return [0.25, 0.5, 0.75].filter((part) => {
        const found = document.elementFromPoint(left + width / 2, top + height * part);
        return found === box || found?.parentElement === box;
      }).length;
    },
    /** Looks at each frame until `rest` frames in a row have seen the same place. */
    async scrolled(rest) {
      const box = document.querySelector('[role=log]');
      const seen = new Set();
      let blank = 0;
      let frames = 0;
      for (let still = 0, last = NaN; still < rest; ) {
        await frame();
        await turn();
        still = box.scrollTop === last && frames > 60 ? still + 1 : 0;
        last = box.scrollTop;
        frames += 1;
        if (this.blank() > 0) blank += 1;
        for (const item of box.querySelectorAll('[data-message]')) seen.add(item.dataset.message);
      }
      return { blank, messages: seen.size };
    },
  };

  // The list is looked for from the beginning.
  globalThis.measuring.ready = globalThis.measuring.still(0, 'list', 'Boris', 200).catch(() => null);
}
