// Functions of every page.

/** The element of an HTML fragment, which was escaped when written, parsed without running any script. */
function parsed(html) {
  return document.adoptNode(new DOMParser().parseFromString(html, "text/html").body.firstElementChild);
}

/** Copy a table to the clipboard as tab-separated values, for spreadsheets. */
async function copyTable(figure, button) {
  const table = figure.querySelector("table");
  const lines = [...table.rows].map((row) => [...row.cells].filter((cell) => cell.className !== "show").map((cell) => cell.textContent.trim()).join("\t"));
  try {
    await navigator.clipboard.writeText(lines.join("\n"));
    button.textContent = "copied";
  } catch {
    getSelection().selectAllChildren(table); // no clipboard permission: the user presses the key
    button.textContent = "selected: press Ctrl+C";
  }
  setTimeout(() => (button.textContent = "copy"), 2000);
}

/** Add a copy button to every table of a part of the page. */
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

  /** Show new data, the explorer first, because it is used most. */
  async show({ charts, config, explorer }) {
    if (explorer) await (this.explorer ??= new Explorer()).load(explorer, config);
    document.documentElement.dataset.readyMs ??= Math.round(performance.now());
    await this.charts.show(charts, config);
    document.documentElement.dataset.drawn = "all";
  }
}

// Folded parts are printed too.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => (part.open = true)));
