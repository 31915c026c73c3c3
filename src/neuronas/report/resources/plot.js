// A scatter plot on a canvas. Points are given as columns; colours come from the style sheet.

const MARGIN = { left: 74, right: 18, top: 14, bottom: 46 };
const SHAPES = ["square", "diamond", "triangle"];

/** Round values at equal distances inside a range. */
function ticksWithin(low, high, wanted) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const found = [];
  for (let count = Math.ceil(low / step - 1e-9); count * step <= high + 1e-9 * step; count++) found.push(count * step + 0); // + 0: no -0
  return found;
}

/** A number for people: four significant digits, whole numbers in full. */
function shown(value) {
  if (value === null || value === undefined) return "–";
  const whole = Number.isInteger(value) || Math.abs(value) >= 1e4;
  return value.toLocaleString("en", whole ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 4 });
}

/** Lowest and highest of the values, widened a little so that no point lies on the frame. */
function rangeOf(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return [0, 1];
  const room = (high - low) * 0.04 || Math.abs(high) * 0.05 || 1;
  return [low - room, high + room];
}

/** A range and the budget on its axis, where that is near enough to be shown with it. */
function withBudget([low, high], budget) {
  const isNear = Number.isFinite(budget) && budget > low && budget < high + (high - low) / 4;
  return isNear ? { range: [low, Math.max(high, budget + (high - low) * 0.02)], budget } : { range: [low, high] };
}

class Scatter {
  /**
   * @param canvas where to draw; its size is the style sheet's.
   */
  constructor(canvas) {
    this.canvas = canvas;
    // What only changes with the points is kept, so that following the pointer stays cheap with many of them.
    this.background = document.createElement("canvas");
    this.context = this.background.getContext("2d");
    this.series = [];
    this.left = this.top = new Float64Array(); // canvas position of each point, in CSS pixels
  }

  /**
   * Show points.
   * @param points {x, y, series, muted}: columns of equal length; muted points are those that broke a budget.
   * @param axes [{label, range, higherIsBetter, budget}, the same]: across, up; a budget is drawn where there is one.
   * @param front indices of the Pareto front, in the order of x.
   * @param marks {answer: [index], current: index or -1}
   */
  show(points, axes, front, marks) {
    Object.assign(this, { points, axes, front, marks });
    this.draw();
  }

  colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }

  /** Canvas position of values, in CSS pixels. */
  place(x, y) {
    const [[left, right], [bottom, top]] = this.axes.map((axis) => axis.range);
    return [
      MARGIN.left + ((x - left) / (right - left)) * (this.width - MARGIN.left - MARGIN.right),
      this.height - MARGIN.bottom - ((y - bottom) / (top - bottom)) * (this.height - MARGIN.top - MARGIN.bottom),
    ];
  }

  /** Index of the point nearest to a canvas position, or -1 if none is within reach. */
  nearest(left, top, reach) {
    let best = -1, distance = reach * reach;
    for (let i = 0; i < this.left.length; i++) {
      const found = (this.left[i] - left) ** 2 + (this.top[i] - top) ** 2;
      if (found <= distance) {
        distance = found;
        best = i;
      }
    }
    return best;
  }

  /** Draw everything anew. */
  draw() {
    if (!this.points) return;
    const ratio = window.devicePixelRatio || 1;
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    if (!this.width || !this.height) return; // not laid out yet; drawn when it gets its size
    for (const canvas of [this.canvas, this.background]) {
      canvas.width = Math.round(this.width * ratio);
      canvas.height = Math.round(this.height * ratio);
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    const places = this.points.x.map((x, i) => this.place(x, this.points.y[i]));
    this.left = Float64Array.from(places, ([x]) => x);
    this.top = Float64Array.from(places, ([, y]) => y);
    this.drawAxes();
    this.drawPoints();
    this.drawFront();
    this.drawMarks();
  }

  drawAxes() {
    const { context } = this;
    const [across, up] = this.axes;
    context.font = "12px system-ui, sans-serif";
    context.strokeStyle = this.colour("line");
    context.fillStyle = this.colour("soft");
    context.lineWidth = 1;
    context.textAlign = "center";
    for (const value of ticksWithin(...across.range, Math.max(2, this.width / 130))) {
      const [x] = this.place(value, up.range[0]);
      this.segment(x, MARGIN.top, x, this.height - MARGIN.bottom);
      context.fillText(shown(value), x, this.height - MARGIN.bottom + 16);
    }
    context.textAlign = "right";
    for (const value of ticksWithin(...up.range, Math.max(2, this.height / 70))) {
      const [, y] = this.place(across.range[0], value);
      this.segment(MARGIN.left, y, this.width - MARGIN.right, y);
      context.fillText(shown(value), MARGIN.left - 6, y + 4);
    }
    this.drawBudgets();
    context.fillStyle = this.colour("ink");
    context.textAlign = "center";
    context.fillText(across.label, (MARGIN.left + this.width - MARGIN.right) / 2, this.height - 8);
    context.save();
    context.translate(14, (MARGIN.top + this.height - MARGIN.bottom) / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(up.label, 0, 0);
    context.restore();
  }

  drawBudgets() {
    const { context } = this;
    const [across, up] = this.axes;
    context.strokeStyle = this.colour("bad");
    context.setLineDash([5, 4]);
    if (across.budget !== undefined) {
      const [x] = this.place(across.budget, up.range[0]);
      this.segment(x, MARGIN.top, x, this.height - MARGIN.bottom);
    }
    if (up.budget !== undefined) {
      const [, y] = this.place(across.range[0], up.budget);
      this.segment(MARGIN.left, y, this.width - MARGIN.right, y);
    }
    context.setLineDash([]);
  }

  segment(x1, y1, x2, y2) {
    this.context.beginPath();
    this.context.moveTo(x1, y1);
    this.context.lineTo(x2, y2);
    this.context.stroke();
  }

  drawPoints() {
    const { context, points } = this;
    const onFront = new Set(this.front);
    const broken = this.colour("bad");
    const colours = this.series.map((_, number) => this.colour(this.series.length > 1 ? `series-${number % 6}` : "point"));
    const size = points.x.length > 5000 ? 3 : points.x.length > 500 ? 4 : 5;
    context.globalAlpha = points.x.length > 5000 ? 0.5 : 0.8;
    for (let i = 0; i < points.x.length; i++) {
      if (onFront.has(i)) continue;
      const x = this.left[i], y = this.top[i];
      context.fillStyle = points.muted[i] ? broken : colours[points.series[i]];
      if (points.muted[i]) this.shape(x, y, size - 1, "square");
      else this.shape(x, y, size, SHAPES[points.series[i] % SHAPES.length]);
    }
    context.globalAlpha = 1;
  }

  shape(x, y, size, name) {
    const { context } = this;
    if (name === "square") {
      context.fillRect(x - size / 2, y - size / 2, size, size);
      return;
    }
    context.beginPath();
    context.moveTo(x, y - size);
    context.lineTo(x + size, name === "diamond" ? y : y + size);
    if (name === "diamond") context.lineTo(x, y + size);
    context.lineTo(x - size, name === "diamond" ? y : y + size);
    context.fill();
  }

  drawFront() {
    const { context, left, top } = this;
    context.strokeStyle = context.fillStyle = this.colour("accent");
    context.lineWidth = 1.5;
    context.beginPath();
    // Steps: between two points of the front, what is attained is the value of the one that still fits.
    this.front.forEach((i, number) => {
      const before = this.front[Math.max(0, number - 1)];
      if (this.axes[0].higherIsBetter) context.lineTo(left[before], top[i]);
      else context.lineTo(left[i], top[before]);
      context.lineTo(left[i], top[i]);
    });
    context.stroke();
    for (const i of this.front) {
      this.shape(left[i], top[i], 6, SHAPES[this.points.series[i] % SHAPES.length]);
    }
  }

  /** Rings around the answers and the current point, over the kept background. */
  drawMarks() {
    const { left, top, marks } = this;
    if (!this.width || !this.height) return;
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.width, this.height);
    context.drawImage(this.background, 0, 0, this.width, this.height);
    context.strokeStyle = this.colour("ink");
    context.lineWidth = 2;
    const ring = (i, radius) => {
      context.beginPath();
      context.arc(left[i], top[i], radius, 0, 2 * Math.PI);
      context.stroke();
    };
    for (const i of marks.answer) ring(i, 7);
    if (marks.current >= 0) {
      ring(marks.current, 10);
      ring(marks.current, 4);
    }
  }
}
