// Starts what is on the page.

/** Put a table on the clipboard as lines of tab-separated values, which spreadsheets understand. */
async function copyTable(figure, button) {
  const table = figure.querySelector("table");
  const lines = [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim()).join("\t"));
  try {
    await navigator.clipboard.writeText(lines.join("\n"));
    button.textContent = "copied";
  } catch {
    getSelection().selectAllChildren(table); // no permission for the clipboard: one key press is left to do
    button.textContent = "selected: press Ctrl+C";
  }
  setTimeout(() => (button.textContent = "copy"), 2000);
}

for (const figure of document.querySelectorAll("figure.table")) {
  const button = make("button", { type: "button", className: "copy" }, "copy");
  button.addEventListener("click", () => copyTable(figure, button));
  figure.querySelector("figcaption").append(button);
}

const data = document.getElementById("data");
if (data) {
  document.querySelector(".explorer").hidden = false;
  document.querySelector(".needs-script").hidden = true;
  new Explorer(JSON.parse(data.textContent));
}
// Folded parts are printed too.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => (part.open = true)));
document.documentElement.dataset.readyMs = Math.round(performance.now());
