"use strict"

// Without a focus, a keyboard cannot scroll.
const observer = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0
    else target.removeAttribute("tabindex")
  }
})

addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("article pre, article .table-wrapper").forEach((one) => observer.observe(one))
  // on a telephone a screenshot can be read only by itself
  for (const image of document.querySelectorAll("article img")) {
    if (image.closest("a")) continue
    const link = document.createElement("a")
    link.href = image.src
    image.replaceWith(link)
    link.append(image)
  }
})
