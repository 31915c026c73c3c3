// What a candidate may cost to be shown.

const STEPS = 1000; // positions of a slider

/** A slider that sets what a candidate may cost at most; at its right end there is no limit. */
class LimitSlider {
  constructor(key, explorer) {
    Object.assign(this, { key, explorer });
    this.slider = make("input", { type: "range", min: 0, max: STEPS, value: STEPS, id: `limit-${key}` });
    this.output = make("output", { htmlFor: this.slider.id });
    this.label = make("label", {}, explorer.quantities.get(key).name, this.output, this.slider);
    this.slider.addEventListener("input", () => {
      const { low, high } = this.range();
      const step = Number(this.slider.value);
      explorer.limits.set(key, step === STEPS ? Infinity : low + ((high - low) * step) / STEPS);
      this.write();
      explorer.later();
    });
  }

  /** From the cheapest to the dearest candidate that can be shown: no way of the slider without an effect. */
  range() {
    const { columns, showRejected } = this.explorer;
    let low = Infinity, high = -Infinity;
    columns[this.key].forEach((value, i) => {
      if (columns.rejected[i] && !showRejected.checked) return;
      if (value < low) low = value;
      if (value > high) high = value;
    });
    return low > high ? { low: 0, high: 0 } : { low, high };
  }

  /** Show the limit, on the scale of the candidates that there are. */
  write() {
    const { low, high } = this.range();
    const limit = this.explorer.limits.get(this.key);
    this.slider.disabled = low === high;
    if (limit === Infinity) this.slider.value = STEPS;
    else if (high > low) this.slider.value = Math.min(STEPS - 1, Math.round((STEPS * (limit - low)) / (high - low)));
    const text = this.explorer.amount(this.key, limit === Infinity ? high : limit);
    this.output.textContent = limit === Infinity ? `all (up to ${text})` : text;
    this.slider.setAttribute("aria-valuetext", this.output.textContent);
  }
}
