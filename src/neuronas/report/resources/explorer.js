// All candidates of the page's runs: what is shown, the Pareto front among them, and the cell of one that was chosen.

const REACH = 14; // CSS pixels between pointer and point
const FRONT_ROWS = 200; // of the front's table
const HIGHER_IS_BETTER = new Set(["fitness", "screened"]);

/** Elements are made and filled here and nowhere else: text is only ever set as text. */
function make(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

class Explorer {
  constructor(data) {
    this.quantities = new Map(data.quantities.map((quantity) => [quantity.key, quantity]));
    this.scatter = new Scatter(document.getElementById("plot"));
    this.current = -1; // point under pointer or keyboard
    this.limits = new Map();
    this.sliders = new Map();
    this.chosen = new Set(); // controls that the reader has changed; the others follow the data
    this.setUpAxes();
    this.setUpLimits(data.budgeted);
    this.setUpPlot();
    this.load(data);
  }

  /** Show data; later data with more candidates keep what the reader has chosen. */
  load(data) {
    const before = this.current < 0 ? "" : this.name(this.shownNow[this.current]);
    this.data = data;
    this.columns = this.join();
    this.scatter.series = data.runs.map((run) => run.name);
    this.offerAxes();
    this.sliders.forEach((slider) => slider.write());
    this.update();
    if (before) this.point(this.shownNow.findIndex((i) => this.name(i) === before));
  }

  /** The candidates of all runs one after another, a column for each quantity. */
  join() {
    const columns = { run: [], local: [], number: [], rejected: [] };
    for (const key of this.quantities.keys()) columns[key] = [];
    this.data.runs.forEach((run, number) => {
      for (let i = 0; i < run.places.length; i++) {
        columns.run.push(number);
        columns.local.push(i);
        columns.number.push(run.numbers ? run.numbers[i] : i);
        columns.rejected.push(run.rejected[i] === 1);
        for (const key of this.quantities.keys()) columns[key].push(run.values[key][i]);
      }
    });
    return columns;
  }

  /** A candidate as a reader would name it. */
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

  setUpAxes() {
    const [x, y, rejected] = ["x-axis", "y-axis", "show-rejected"].map((id) => document.getElementById(id));
    for (const control of [x, y, rejected]) {
      control.addEventListener("change", () => {
        this.chosen.add(control);
        this.sliders.forEach((slider) => slider.write()); // their scale is that of what can be shown
        this.update();
      });
    }
    this.selects = [x, y];
    this.showRejected = rejected;
  }

  /** Offer the quantities that have a value as axes. */
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

  setUpLimits(budgeted) {
    const box = document.getElementById("limits");
    for (const key of budgeted) {
      const slider = new LimitSlider(key, this);
      this.sliders.set(key, slider);
      this.limits.set(key, Infinity);
      box.append(slider.label);
    }
  }

  setUpPlot() {
    const { canvas } = this.scatter;
    const at = (event) => this.scatter.nearest(event.offsetX, event.offsetY, REACH);
    canvas.addEventListener("pointermove", (event) => this.point(at(event)));
    canvas.addEventListener("pointerleave", () => this.point(-1));
    canvas.addEventListener("click", (event) => {
      this.point(at(event));
      if (this.current >= 0) this.choose(this.current);
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => this.point(-1));
    new ResizeObserver(() => this.scatter.draw()).observe(canvas);
    for (const query of ["(prefers-color-scheme: dark)", "print"]) {
      window.matchMedia(query).addEventListener("change", () => this.scatter.draw());
    }
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

  /** The run's own limit on a quantity; none for several runs, which may have several. */
  budget(key) {
    return this.data.runs.length === 1 ? this.data.runs[0].limits[key] : undefined;
  }

  fits(i) {
    return this.data.budgeted.every((key) => this.columns[key][i] <= this.limits.get(key));
  }

  update() {
    const { columns } = this;
    const [xKey, yKey] = this.selects.map((select) => select.value);
    const [xs, ys] = [columns[xKey], columns[yKey]];
    const plottable = [];
    for (let i = 0; i < xs.length; i++) {
      if (xs[i] !== null && ys[i] !== null && (this.showRejected.checked || !columns.rejected[i])) plottable.push(i);
    }
    this.shownNow = plottable.filter((i) => this.fits(i)); // candidate of each point
    const pick = (column) => this.shownNow.map((i) => column[i]);
    const points = { x: pick(xs), y: pick(ys), series: pick(columns.run), muted: pick(columns.rejected) };
    this.front = paretoFront(points.x, points.y, xKey, yKey);
    const axes = [[xs, xKey], [ys, yKey]].map(([column, key]) => ({
      label: this.label(key),
      higherIsBetter: HIGHER_IS_BETTER.has(key),
      ...withBudget(rangeOf(plottable.map((i) => column[i])), this.budget(key)),
    }));
    const answers = this.shownNow.flatMap((i, point) => (this.data.runs[columns.run[i]].answer === columns.number[i] ? [point] : []));
    this.current = -1;
    this.scatter.show(points, axes, this.front, { answer: answers, current: -1 });
    this.byHeight = points.y.map((_, point) => point).sort((a, b) => points.y[a] - points.y[b]);
    document.getElementById("tip").hidden = true;
    this.describe(plottable.length);
    this.tabulate(xKey, yKey);
  }

  describe(plottable) {
    const count = document.getElementById("count");
    const { columns } = this;
    const without = columns.run.length - plottable;
    count.textContent = `${shown(this.shownNow.length)} of ${shown(plottable)} candidates shown`;
    if (without) count.textContent += `; left out: ${shown(without)} with no value on these axes or over the run's budget`;
    const all = this.data.runs.reduce((sum, run) => sum + run.n_candidates, 0);
    if (all > columns.run.length) {
      count.textContent += `; of ${shown(all)} the page holds ${shown(columns.run.length)}: those on a Pareto front and a part of the others`;
    }
    let best = -1;
    for (const i of this.shownNow) {
      if (this.columns.fitness[i] !== null && (best < 0 || this.columns.fitness[i] > this.columns.fitness[best])) best = i;
    }
    count.append(". ");
    if (best >= 0) {
      count.append(make("button", { type: "button", id: "fittest", onclick: () => this.showCell(best) }, "show the fittest of them"));
    }
    const legend = document.getElementById("legend");
    const names = this.scatter.series.map((name, number) => {
      const entry = make("span", {}, `${["■", "◆", "▲"][number % 3]} ${name}`);
      if (this.scatter.series.length > 1) entry.style.color = `var(--series-${number % 6})`;
      return entry;
    });
    legend.replaceChildren(...names, make("span", {}, "— Pareto front"), make("span", {}, `◯ ${this.data.runs[0].answer_name}`));
    if (this.scatter.axes.some((axis) => axis.budget !== undefined)) legend.append(make("span", {}, "┄ the run's budget"));
    if (this.showRejected.checked) legend.append(make("span", {}, "▪ red: broke the run's budget"));
  }

  tabulate(xKey, yKey) {
    const keys = [...new Set([xKey, yKey, ...this.data.budgeted, "fitness"])];
    const rows = this.front.slice(0, FRONT_ROWS).map((point) => {
      const i = this.shownNow[point];
      const show = make("button", { type: "button", onclick: () => this.showCell(i) }, "show cell");
      const cells = keys.map((key) => make("td", { className: "number" }, shown(this.columns[key][i])));
      return make("tr", {}, ...cells, make("td", {}, make("code", {}, this.text(i))), make("td", { className: "show" }, show));
    });
    const titles = [...keys.map((key) => this.label(key)), "architecture"];
    const head = make("tr", {}, ...titles.map((title) => make("th", { scope: "col" }, title)), make("td", { className: "show" }));
    const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
    const figure = make("figure", { className: "table" }, make("figcaption", {}, "Pareto front"), make("div", { className: "scroll", tabIndex: 0 }, table));
    const box = document.getElementById("front");
    box.replaceChildren(box.firstElementChild, figure);
    dress(box);
  }

  /** A candidate's architecture in the notation. */
  text(i) {
    const run = this.data.runs[this.columns.run[i]];
    return run.places[this.columns.local[i]].map((cell) => run.cells[cell].text).join(" / ");
  }

  costs(i) {
    return [...this.quantities.keys()]
      .filter((key) => this.columns[key][i] !== null)
      .map((key) => `${this.quantities.get(key).name} ${this.amount(key, this.columns[key][i])}`)
      .join(", ");
  }

  /** Mark a point and say what it is; -1 for none. */
  point(point) {
    this.current = point;
    this.scatter.marks.current = point;
    const tip = document.getElementById("tip");
    tip.hidden = point < 0;
    if (!tip.hidden) {
      const i = this.shownNow[point];
      const name = this.data.runs.length > 1 ? [make("strong", {}, this.data.runs[this.columns.run[i]].name), make("br")] : [];
      tip.replaceChildren(...name, make("code", {}, this.text(i)), make("br"), this.costs(i));
      const x = this.scatter.left[point], y = this.scatter.top[point];
      tip.style.left = `${Math.max(0, Math.min(x + 14, this.scatter.width - tip.offsetWidth))}px`;
      tip.style.top = `${y + 14 + tip.offsetHeight > this.scatter.height ? Math.max(0, y - 14 - tip.offsetHeight) : y + 14}px`;
    }
    this.scatter.drawMarks();
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
      if (this.current >= 0) this.choose(this.current);
    } else if (event.key === "Escape") {
      this.point(-1);
    } else {
      return;
    }
    event.preventDefault();
  }

  choose(point) {
    this.showCell(this.shownNow[point]);
  }

  /** Draw a candidate's cells below the plot. */
  showCell(i) {
    const run = this.data.runs[this.columns.run[i]];
    const cells = run.places[this.columns.local[i]];
    const drawn = cells.map((cell, place) => {
      const svg = document.getElementById("cell-template").content.firstElementChild.cloneNode(true);
      const title = cells.length > 1 ? `cell ${String.fromCharCode(65 + place)}` : "all cells";
      svg.setAttribute("aria-label", `${title}: ${run.cells[cell].text}`);
      svg.querySelectorAll(".edge").forEach((group, number) => {
        const edge = run.edges[run.cells[cell].edges[number]];
        group.setAttribute("class", edge.classes);
        group.querySelector("text").textContent = edge.label;
        const box = group.querySelector("rect");
        box.setAttribute("x", Number(group.querySelector("text").getAttribute("x")) - edge.width / 2);
        box.setAttribute("width", edge.width);
      });
      return make("figure", {}, make("figcaption", {}, title), svg);
    });
    document.getElementById("chosen").replaceChildren(
      make("p", {}, make("strong", {}, this.name(i)), make("br"), make("code", { className: "architecture" }, this.text(i))),
      make("p", {}, this.costs(i)),
      make("div", { className: "cells" }, ...drawn),
    );
  }
}

/** Indices of the points that no other beats on both axes, in the order of x. */
function paretoFront(xs, ys, xKey, yKey) {
  const sign = (key) => (HIGHER_IS_BETTER.has(key) ? -1 : 1);
  const [sx, sy] = [sign(xKey), sign(yKey)];
  const order = xs.map((_, i) => i).sort((a, b) => sx * (xs[a] - xs[b]) || sy * (ys[a] - ys[b]));
  const front = [];
  let best = Infinity;
  for (const i of order) {
    if (sy * ys[i] < best) {
      best = sy * ys[i];
      front.push(i);
    }
  }
  return sx > 0 ? front : front.reverse();
}
