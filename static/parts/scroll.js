// What may be wider or higher than its place scrolls in a frame of its own, and can then be reached with the keyboard.

/**
 * @template {HTMLElement} Frame
 * @param {Frame} frame
 * @param {string} label  what scrolls, for those who can't see it
 */
export function scrolls(frame, label) {
  new ResizeObserver(() => {
    const needed = frame.scrollWidth > frame.clientWidth || frame.scrollHeight > frame.clientHeight;
    if (needed) {
      frame.tabIndex = 0;
      frame.setAttribute("role", "region");
      frame.setAttribute("aria-label", label);
    } else {
      for (const name of ["tabindex", "role", "aria-label"]) frame.removeAttribute(name);
    }
  }).observe(frame);
  return frame;
}
