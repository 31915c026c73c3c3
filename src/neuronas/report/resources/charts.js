// Draws Vega-Lite charts in their placeholders on the page, and updates them.

const OPTIONS = {
  mode: "vega-lite",
  actions: false,
  defaultStyle: false,
  logLevel: 1, // errors
  ast: true, // expressions are interpreted: the page's policy forbids generating code from text
  tooltip: { disableDefaultStyle: true },
};

/** A declaration with colours in place of their names: a canvas cannot read the style sheet. */
function coloured(declared) {
  const style = getComputedStyle(document.documentElement);
  return JSON.parse(JSON.stringify(declared).replace(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim()));
}

/** Draw a declared view at the width of its placeholder, and return Vega's view of it. */
async function embed(place, declared, config, renderer = "svg") {
  const spec = { width: "container", autosize: { type: "fit-x", contains: "padding" }, config, ...declared };
  return (await window.vegaEmbed(place, renderer === "svg" ? spec : coloured(spec), { ...OPTIONS, renderer })).view;
}

/** The charts of a page: each in the figure that names it, a view in each of the figure's places. */
class Charts {
  constructor() {
    this.drawn = new Map(); // chart and number of the view -> its place, its declaration, its data, Vega's view
  }

  /** Draw what is new; what is drawn already moves into its place and gets its new data. */
  async show(charts, config) {
    for (const figure of document.querySelectorAll("figure.chart")) {
      const views = charts[figure.dataset.chart];
      for (const [number, place] of figure.querySelectorAll(".view").entries()) {
        await this.put(`${figure.dataset.chart} ${number}`, place, views[number], config);
      }
    }
  }

  async put(key, place, view, config) {
    const { data, ...rest } = view;
    const [declared, values] = [JSON.stringify(rest), JSON.stringify(data.values)];
    const known = this.drawn.get(key);
    if (known?.declared === declared) {
      if (place !== known.place) place.replaceWith(known.place);
      if (values !== known.values) await known.vega.data(data.name, data.values).runAsync();
      known.values = values;
    } else {
      known?.vega.finalize();
      this.drawn.set(key, { place, declared, values, vega: await embed(place, view, config) });
    }
  }
}
