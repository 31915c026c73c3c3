// Polls the server for the run's state, and replaces the parts of the page that have changed.

const FOCUSABLE = "a, button, summary, [tabindex]";

class Live {
  constructor() {
    this.version = "";
    this.pause = 2; // seconds between two requests; set by the server
    this.shown = new Map(); // identifier of a section -> its HTML as received
    this.pictures = new Pictures();
    this.status = document.getElementById("live");
    setInterval(() => this.tell(), 1000);
    this.ask();
  }

  async ask() {
    let state;
    try {
      const answer = await fetch(`/state?version=${encodeURIComponent(this.version)}`);
      if (!answer.ok) throw new Error(`answer ${answer.status}`);
      state = await answer.json();
      this.lost = undefined;
    } catch {
      this.lost ??= new Date();
    }
    if (state) await this.show(state);
    this.tell();
    if (!this.ended) setTimeout(() => this.ask(), 1000 * this.pause);
  }

  async show(state) {
    this.ended = state.ended;
    this.pause = state.pause_s;
    this.error = state.error;
    this.changed = Date.now() - 1000 * state.age_s;
    if (state.sections === undefined) return; // nothing new
    this.summary = state.summary;
    document.title = `${state.title} – neuronas`;
    document.querySelector("h1").textContent = state.title;
    let before = this.status;
    for (const [id, html] of Object.entries(state.sections)) {
      if (this.shown.get(id) !== html) this.replace(id, html, before);
      before = document.getElementById(id);
    }
    for (const id of this.shown.keys()) {
      if (id in state.sections) continue;
      document.getElementById(id).remove();
      this.shown.delete(id);
    }
    await this.pictures.show(state.data);
    this.version = state.version;
    document.documentElement.dataset.version = state.version;
  }

  /** Insert a section as the server wrote it: escaped there, and parsed here without running any script. */
  replace(id, html, before) {
    const old = document.getElementById(id);
    if (old && old.contains(getSelection().anchorNode) && !getSelection().isCollapsed) return; // someone copies from it
    const section = parsed(html);
    dress(section);
    if (!old) {
      before.after(section);
    } else {
      const [open, scrolled, focus] = [[...old.querySelectorAll("details")], [...old.querySelectorAll(".scroll")], [...old.querySelectorAll(FOCUSABLE)]];
      const [opened, left, focused] = [open.map((part) => part.open), scrolled.map((part) => part.scrollLeft), focus.indexOf(document.activeElement)];
      old.replaceWith(section);
      section.querySelectorAll("details").forEach((part, i) => (part.open = opened[i] ?? part.open));
      section.querySelectorAll(".scroll").forEach((part, i) => (part.scrollLeft = left[i] ?? 0));
      if (focused >= 0) section.querySelectorAll(FOCUSABLE)[focused]?.focus({ preventScroll: true });
    }
    if (id === "candidates") this.pictures.explorer = undefined;
    this.shown.set(id, html);
  }

  /** One line: the progress of the run, and the time of its last change. */
  tell() {
    const parts = [this.summary];
    if (this.changed) parts.push(`Last change ${ago(Date.now() - this.changed)} ago.`);
    if (this.error) parts.push(`Cannot be read: ${this.error}`);
    if (this.ended) parts.push("The program has ended and no longer serves this page; to show the run again: neuronas dashboard.");
    else if (this.lost) parts.push(`No response from neuronas since ${this.lost.toLocaleTimeString()}; retrying.`);
    this.status.textContent = parts.filter(Boolean).join(" ");
    this.status.classList.toggle("warning", Boolean(this.error || this.lost));
  }
}

function ago(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 100) return `${seconds} s`;
  return seconds < 6000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

new Live();
