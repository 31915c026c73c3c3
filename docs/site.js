// Browsers do not let a page that is opened from disk read the search index.
document.documentElement.classList.toggle("from-disk", location.protocol === "file:");
