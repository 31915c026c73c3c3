// Starts a page that holds its content and data.

dress(document);
const data = document.getElementById("data");
if (data) explore(JSON.parse(data.textContent));
document.documentElement.dataset.readyMs = Math.round(performance.now());
