// What every page does with its content.


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

/** Bring the plot to life. */
function explore(data) {
  document.querySelector(".explorer").hidden = false;
  document.querySelector("#candidates .needs-script").hidden = true;
  return new Explorer(data);
}

// Folded parts are printed too.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => (part.open = true)));
