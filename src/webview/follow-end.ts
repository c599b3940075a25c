// Keeps a growing page at its end, until the person scrolls away from it.

export interface EndFollower {
  /** Goes to the end and stays there. */
  follow(): void;
}

/** Nearer to the end than this counts as being there. */
const nearPx = 40;

export function createEndFollower(frame: HTMLElement, content: readonly HTMLElement[]): EndFollower {
  let isFollowing = true;
  let lastTop = 0;
  const isAtEnd = () => frame.scrollHeight - frame.scrollTop - frame.clientHeight < nearPx;
  const toEnd = () => {
    if (!isFollowing) return;
    frame.scrollTop = frame.scrollHeight;
    lastTop = frame.scrollTop;
  };
  frame.addEventListener("scroll", () => {
    // Only a person moves up while there is something below; text that grows moves nothing.
    if (isAtEnd()) isFollowing = true;
    else if (frame.scrollTop < lastTop) isFollowing = false;
    lastTop = frame.scrollTop;
  });
  // Sizes also change by themselves: an old answer is laid out, a part of the view opens, code gets its colours.
  const observer = new ResizeObserver(toEnd);
  for (const each of [frame, ...content]) observer.observe(each);
  return {
    follow() {
      isFollowing = true;
      toEnd();
    },
  };
}
