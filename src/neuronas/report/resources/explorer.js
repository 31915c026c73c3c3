// All candidates of the page's runs: what is shown, the Pareto front among them, and the cells of one that was chosen.

const REACH = 14; // CSS pixels between pointer and point
const FRONT_ROWS = 200; // of the front's table
const STEPS = 1000; // positions of a slider
const MANY = 2000; // more points are drawn smaller, fainter and on a canvas

/** Creates all elements, so that text is always inserted as text, never as HTML. */
function make(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** A number as readable text: four significant digits, integers in full. */
function shown(value) {
  if (value === null || value === undefined) return "–";
  const whole = Number.isInteger(value) || Math.abs(value) >= 1e4;
  return value.toLocaleString("en", whole ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 4 });
}

/** Minimum and maximum of the known values; there may be too many for Math.min. */
function extent(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value === null) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** Limits of an axis; if higher is better, they exclude outliers at the lower end (Tukey's fence). */
function span(values, fenced) {
  let [low, high] = extent(values);
  if (low > high) return [0, 1];
  if (fenced) {
    const sorted = Float64Array.from(values).sort();
    const [lower, upper] = [1, 3].map((quarter) => sorted[Math.floor((quarter * (sorted.length - 1)) / 4)]);
    low = Math.max(low, lower - 1.5 * (upper - lower));
  }
  const room = 0.04 * (high - low) || 0.05 * Math.abs(high) || 1;
  return [low - room, high + room];
}

/** Indices of the non-dominated points on both axes, in the order of x; a sign of -1: higher is better. */
function paretoFront(points, [sx, sy]) {
  const order = points.map((_, i) => i).sort((a, b) => sx * (points[a].x - points[b].x) || sy * (points[a].y - points[b].y));
  const front = [];
  let best = Infinity;
  for (const i of order) {
    if (sy * points[i].y >= best) continue;
    best = sy * points[i].y;
    front.push(i);
  }
  return sx > 0 ? front : front.reverse();
}

class Explorer {
  constructor() {
    [this.plot, this.tip, this.ring] = ["plot", "tip", "ring"].map((id) => document.getElementById(id));
    this.selects = ["x-axis", "y-axis"].map((id) => document.getElementById(id));
    this.showRejected = document.getElementById("show-rejected");
    this.sliders = new Map();
    this.chosen = new Set(); // controls that the user has changed; the others follow the data
    this.current = -1; // point under pointer or keyboard
    this.shownNow = [];
    this.setUpControls();
    this.setUpPlot();
  }

  /** Show data; updates with more candidates keep the user's selection. */
  async load(data, config) {
    const before = this.current < 0 ? "" : this.name(this.shownNow[this.current]);
    Object.assign(this, { data, config, columns: this.join(data) });
    this.quantities = new Map(data.quantities.map((quantity) => [quantity.key, quantity]));
    if (!this.sliders.size) this.setUpLimits();
    this.offerAxes();
    this.sliders.forEach((slider) => slider.write());
    if (this.declared === JSON.stringify(data.view) && this.renderer === this.fitting()) this.update();
    else await this.draw();
    if (before) this.point(this.shownNow.findIndex((i) => this.name(i) === before));
  }

  /** The candidates of all runs, concatenated, with a column for each quantity. */
  join(data) {
    const columns = { run: [], local: [], number: [], rejected: [] };
    for (const { key } of data.quantities) columns[key] = [];
    data.runs.forEach((run, number) => {
      for (let i = 0; i < run.places.length; i++) {
        columns.run.push(number);
        columns.local.push(i);
        columns.number.push(run.numbers ? run.numbers[i] : i);
        columns.rejected.push(run.rejected[i] === 1);
        for (const { key } of data.quantities) columns[key].push(run.values[key][i]);
      }
    });
    return columns;
  }

  setUpControls() {
    for (const control of [...this.selects, this.showRejected]) {
      control.addEventListener("change", () => {
        this.chosen.add(control);
        this.sliders.forEach((slider) => slider.write()); // their scale is that of what can be shown
        this.update();
      });
    }
  }

  setUpLimits() {
    const box = document.getElementById("limits");
    for (const key of this.data.budgeted) {
      const slider = new LimitSlider(key, this);
      this.sliders.set(key, slider);
      box.append(slider.label);
    }
  }

  setUpPlot() {
    const at = (event) => {
      const { left, top } = this.plot.getBoundingClientRect();
      return this.nearest(event.clientX - left, event.clientY - top);
    };
    this.plot.addEventListener("pointermove", (event) => this.point(at(event)));
    this.plot.addEventListener("pointerleave", () => this.point(-1));
    this.plot.addEventListener("blur", () => this.point(-1));
    this.plot.addEventListener("keydown", (event) => this.key(event));
    this.plot.addEventListener("click", (event) => {
      this.point(at(event));
      if (this.current >= 0) this.showCells(this.shownNow[this.current]);
    });
    new ResizeObserver(() => this.fit()).observe(this.plot);
    for (const query of ["(prefers-color-scheme: dark)", "print"]) {
      matchMedia(query).addEventListener("change", () => this.renderer === "canvas" && this.draw());
    }
  }

  /** Fit the chart to the width of its placeholder, once that is laid out. */
  fit() {
    if (this.view && this.plot.clientWidth) this.view.width(this.plot.clientWidth).runAsync().then(() => this.locate());
  }

  /** Readable name of a candidate. */
  name(i) {
    return `Candidate ${this.columns.number[i] + 1} of ${this.data.runs[this.columns.run[i]].name}`;
  }

  label(key) {
    const { name, unit } = this.quantities.get(key);
    return unit ? `${name} in ${unit}` : name;
  }

  /** A value with its unit. */
  amount(key, value) {
    return `${shown(value)} ${this.quantities.get(key).unit}`.trim();
  }

  /** A candidate's architecture in the notation. */
  text(i) {
    return this.cells(i).map((cell) => cell.text).join(" / ");
  }

  cells(i) {
    return this.data.runs[this.columns.run[i]].places[this.columns.local[i]].map((cell) => this.data.cells[cell]);
  }

  costs(i) {
    return [...this.quantities.keys()]
      .filter((key) => this.columns[key][i] !== null)
      .map((key) => `${this.quantities.get(key).name} ${this.amount(key, this.columns[key][i])}`)
      .join(", ");
  }

  /** Offer the quantities that have values as axes. */
  offerAxes() {
    const known = [...this.quantities.keys()].filter((key) => this.columns[key].some((value) => value !== null));
    const first = ["energy_uj", known.includes("fitness") ? "fitness" : "area_mm2"];
    this.selects.forEach((select, number) => {
      const now = this.chosen.has(select) ? select.value : first[number];
      if (select.options.length !== known.length) {
        select.replaceChildren(...known.map((key) => make("option", { value: key }, this.label(key))));
      }
      select.value = now;
    });
    if (!this.chosen.has(this.showRejected)) this.showRejected.checked = !this.columns.rejected.includes(false);
  }

  /** Renderer for this number of points: a canvas is faster, SVG prints sharply and follows the style sheet. */
  fitting() {
    return this.columns.run.length > MANY ? "canvas" : "svg";
  }

  /** Draw the chart: at first, and when its declaration or its colours change. */
  async draw() {
    [this.declared, this.renderer] = [JSON.stringify(this.data.view), this.fitting()];
    this.view?.finalize();
    this.view = await embed(this.plot.querySelector(".view"), this.data.view, this.config, this.renderer);
    this.update();
  }

  /** Many slider events become one update a frame. */
  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.update();
    });
  }

  /** Whether a candidate can be shown with the current check boxes. */
  offered(i) {
    return this.showRejected.checked || !this.columns.rejected[i];
  }

  update() {
    const { columns, data } = this;
    const keys = this.selects.map((select) => select.value);
    const [xs, ys] = keys.map((key) => columns[key]);
    const plottable = xs.map((_, i) => i).filter((i) => xs[i] !== null && ys[i] !== null && this.offered(i));
    this.shownNow = plottable.filter((i) => data.budgeted.every((key) => columns[key][i] <= this.sliders.get(key).limit));
    const points = this.shownNow.map((i) => ({
      x: xs[i],
      y: ys[i],
      group: columns.rejected[i] ? data.exceeded : data.groups[columns.run[i]],
    }));
    const signs = keys.map((key) => (this.quantities.get(key).higher_is_better ? -1 : 1));
    this.front = paretoFront(points, signs);
    this.byHeight = points.map((_, point) => point).sort((a, b) => points[a].y - points[b].y);
    const isAnswer = (i) => data.runs[columns.run[i]].answer === columns.number[i];
    const many = points.length > MANY;
    const look = { x: this.label(keys[0]), y: this.label(keys[1]), size: many ? 10 : 26, opacity: many ? 0.5 : 0.85 };
    look.step = signs[0] > 0 ? "step-after" : "step-before"; // between two points the one that still fits counts
    const limits = this.budgets(keys, plottable);
    const spans = ["x", "y"].map((axis, number) => {
      const near = limits.flatMap((limit) => limit[axis] ?? []);
      const [low, high] = span([...points.map((point) => point[axis]), ...near], signs[number] < 0);
      Object.assign(look, { [`${axis}_low`]: low, [`${axis}_high`]: high });
      return low;
    });
    for (const [signal, value] of Object.entries(look)) this.view.signal(signal, value);
    const rows = {
      candidates: points,
      front: this.front.map((point) => ({ x: points[point].x, y: points[point].y })),
      answers: points.filter((_, point) => isAnswer(this.shownNow[point])).map(({ x, y }) => ({ x, y })),
      budgets: limits,
    };
    for (const [name, values] of Object.entries(rows)) this.view.data(name, values);
    this.points = points;
    this.point(-1);
    this.view.runAsync().then(() => this.locate());
    this.describe(plottable.length, points.filter(({ x, y }) => x < spans[0] || y < spans[1]).length);
    this.tabulate(keys);
  }

  /** The limits of the runs that are near the shown points. */
  budgets(keys, plottable) {
    if (this.data.runs.length > 1) return [];
    return keys.flatMap((key, axis) => {
      const limit = this.data.runs[0].limits[key];
      const [low, high] = extent(plottable.map((i) => this.columns[key][i]));
      return limit > low && limit <= high + (high - low) / 4 ? [{ [axis ? "y" : "x"]: limit }] : [];
    });
  }

  /** Positions of the points, in CSS pixels of the plot. */
  locate() {
    const [left, top] = this.view.origin();
    const [x, y] = ["x", "y"].map((name) => this.view.scale(name));
    this.left = Float64Array.from(this.points, (point) => left + x(point.x));
    this.top = Float64Array.from(this.points, (point) => top + y(point.y));
    this.point(this.current);
  }

  /** The point nearest to a position, or -1 if none is within reach. */
  nearest(left, top) {
    let found = -1, least = REACH ** 2;
    for (let i = 0; i < this.left.length; i++) {
      const distance = (this.left[i] - left) ** 2 + (this.top[i] - top) ** 2;
      if (distance < least) [found, least] = [i, distance];
    }
    return found;
  }

  /** Highlight and describe a point; -1 for none. */
  point(point) {
    this.current = point;
    this.tip.hidden = this.ring.hidden = point < 0;
    if (point < 0) return;
    const i = this.shownNow[point];
    const name = this.data.runs.length > 1 ? [make("strong", {}, this.data.runs[this.columns.run[i]].name), make("br")] : [];
    this.tip.replaceChildren(...name, make("code", {}, this.text(i)), make("br"), this.costs(i));
    const [x, y] = [this.left[point], this.top[point]];
    const { clientWidth: width, clientHeight: height } = this.plot;
    Object.assign(this.ring.style, { left: `${x}px`, top: `${y}px` });
    const below = y + 14 + this.tip.offsetHeight <= height;
    Object.assign(this.tip.style, {
      left: `${Math.max(0, Math.min(x + 14, width - this.tip.offsetWidth))}px`,
      top: `${below ? y + 14 : Math.max(0, y - 14 - this.tip.offsetHeight)}px`,
    });
  }

  key(event) {
    const moves = { ArrowRight: [this.front, 1], ArrowLeft: [this.front, -1], ArrowUp: [this.byHeight, 1], ArrowDown: [this.byHeight, -1] };
    if (event.key in moves) {
      const [order, step] = moves[event.key];
      if (!order.length) return;
      const from = order.indexOf(this.current);
      const to = from < 0 ? (step > 0 ? 0 : order.length - 1) : Math.min(Math.max(from + step, 0), order.length - 1);
      this.point(order[to]);
    } else if (event.key === "Enter" || event.key === " ") {
      if (this.current >= 0) this.showCells(this.shownNow[this.current]);
    } else if (event.key === "Escape") {
      this.point(-1);
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Show the number of shown candidates, and a button for the fittest. */
  describe(n_plottable, n_outside) {
    const count = document.getElementById("count");
    const { columns } = this;
    const n_held = columns.run.length, n_all = this.data.runs.reduce((sum, run) => sum + run.n_candidates, 0);
    count.textContent = `${shown(this.shownNow.length)} of ${shown(n_plottable)} candidates shown`;
    if (n_outside) count.textContent += `; ${shown(n_outside)} of them far below the others, on the edge of the plot`;
    if (n_held > n_plottable) {
      count.textContent += `; left out: ${shown(n_held - n_plottable)} without a value on these axes or over the run's budget`;
    }
    if (n_all > n_held) {
      count.textContent += `; of ${shown(n_all)} the page holds ${shown(n_held)}: those on a Pareto front and a part of the others`;
    }
    let best = -1;
    for (const i of this.shownNow) {
      if (columns.fitness[i] !== null && (best < 0 || columns.fitness[i] > columns.fitness[best])) best = i;
    }
    count.append(". ");
    if (best < 0) return;
    count.append(make("button", { type: "button", id: "fittest", onclick: () => this.showCells(best) }, "show the fittest of them"));
  }

  tabulate(axes) {
    const keys = [...new Set([...axes, ...this.data.budgeted, "fitness"])];
    const rows = this.front.slice(0, FRONT_ROWS).map((point) => {
      const i = this.shownNow[point];
      const show = make("button", { type: "button", onclick: () => this.showCells(i) }, "show cell");
      const cells = keys.map((key) => {
        const cell = make("td", { className: "number" }, shown(this.columns[key][i]));
        cell.dataset.title = this.label(key);
        return cell;
      });
      return make("tr", {}, ...cells, make("td", {}, make("code", {}, this.text(i))), make("td", { className: "show" }, show));
    });
    const titles = [...keys.map((key) => this.label(key)), "architecture"];
    const head = make("tr", {}, ...titles.map((title) => make("th", { scope: "col" }, title)), make("td", { className: "show" }));
    const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
    const scroll = make("div", { className: "scroll", tabIndex: 0 }, table);
    const figure = make("figure", { className: "table stacked" }, make("figcaption", {}, "Pareto front"), scroll);
    const box = document.getElementById("front");
    box.replaceChildren(box.firstElementChild, figure);
    dress(box);
  }

  /** Draw a candidate's cells below the plot, from the parts in the page's data. */
  showCells(i) {
    const cells = this.cells(i);
    const drawn = cells.map((cell, place) => {
      const title = cells.length > 1 ? `cell ${String.fromCharCode(65 + place)}` : "all cells";
      const [start, end] = this.data.frames[cell.nodes];
      const svg = parsed(start + cell.edges.map((edge) => this.data.edges[edge]).join("") + end);
      svg.setAttribute("aria-label", `${title}: ${cell.text}`);
      return make("figure", {}, make("figcaption", {}, title), svg);
    });
    document.getElementById("chosen").replaceChildren(
      make("p", {}, make("strong", {}, this.name(i)), make("br"), make("code", { className: "architecture" }, this.text(i))),
      make("p", {}, this.costs(i)),
      make("div", { className: "cells" }, ...drawn),
    );
  }
}

/** A slider that limits a cost of the shown candidates; at its right end there is no limit. */
class LimitSlider {
  constructor(key, explorer) {
    Object.assign(this, { key, explorer, limit: Infinity });
    this.slider = make("input", { type: "range", min: 0, max: STEPS, value: STEPS, id: `limit-${key}` });
    this.output = make("output", { htmlFor: this.slider.id });
    this.label = make("label", {}, explorer.quantities.get(key).name, this.output, this.slider);
    this.slider.addEventListener("input", () => {
      const [low, high] = this.range();
      const step = Number(this.slider.value);
      this.limit = step === STEPS ? Infinity : low + ((high - low) * step) / STEPS;
      this.write();
      explorer.later();
    });
  }

  /** Scale from the lowest to the highest cost that can be shown, so that every position has an effect. */
  range() {
    const [low, high] = extent(this.explorer.columns[this.key].filter((_, i) => this.explorer.offered(i)));
    return low > high ? [0, 0] : [low, high];
  }

  /** Show the limit, on the scale of the available candidates. */
  write() {
    const [low, high] = this.range();
    this.slider.disabled = low === high;
    if (this.limit === Infinity) this.slider.value = STEPS;
    else if (high > low) this.slider.value = Math.min(STEPS - 1, Math.round((STEPS * (this.limit - low)) / (high - low)));
    const text = this.explorer.amount(this.key, this.limit === Infinity ? high : this.limit);
    this.output.textContent = this.limit === Infinity ? `all (up to ${text})` : text;
    this.slider.setAttribute("aria-valuetext", this.output.textContent);
  }
}
