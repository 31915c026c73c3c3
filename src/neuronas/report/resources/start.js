// Starts a page that holds its content and data.

dress(document);
new Pictures().show(JSON.parse(document.getElementById("data").textContent));
