// What every page does with its content.

/** The element that a piece of HTML describes, escaped where it was written, read without running any script. */
function parsed(html) {
  return document.adoptNode(new DOMParser().parseFromString(html, "text/html").body.firstElementChild);
}

/** Put a table on the clipboard as lines of tab-separated values, which spreadsheets understand. */
async function copyTable(figure, button) {
  const table = figure.querySelector("table");
  const lines = [...table.rows].map((row) => [...row.cells].filter((cell) => cell.className !== "show").map((cell) => cell.textContent.trim()).join("\t"));
  try {
    await navigator.clipboard.writeText(lines.join("\n"));
    button.textContent = "copied";
  } catch {
    getSelection().selectAllChildren(table); // no permission for the clipboard: one key press is left to do
    button.textContent = "selected: press Ctrl+C";
  }
  setTimeout(() => (button.textContent = "copy"), 2000);
}

/** Give every table of a part of the page its button. */
function dress(part) {
  for (const figure of part.querySelectorAll("figure.table")) {
    const button = make("button", { type: "button", className: "copy" }, "copy");
    button.addEventListener("click", () => copyTable(figure, button));
    figure.querySelector("figcaption").append(button);
  }
}

/** The charts and the explorer of a page. */
class Pictures {
  constructor() {
    this.charts = new Charts();
  }

  /** Show data, at first or again: the explorer first, which is looked at most. */
  async show({ charts, config, explorer }) {
    if (explorer) await (this.explorer ??= new Explorer()).load(explorer, config);
    document.documentElement.dataset.readyMs ??= Math.round(performance.now());
    await this.charts.show(charts, config);
    document.documentElement.dataset.drawn = "all";
  }
}

// Folded parts are printed too.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => (part.open = true)));
