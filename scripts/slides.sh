# shellcheck shell=bash
# usage: ./lab slides [--html]
#
# Builds the slide decks into build/slides: a page each, and where there is a Chromium or Chrome a PDF too.
#
#   --html   only the pages, no PDF

[[ -x $ROOT/slides/build ]] || die "this kit holds no slides: they are in the teachers' one"
set_up slides
exec "$ROOT/slides/build" "$@"
