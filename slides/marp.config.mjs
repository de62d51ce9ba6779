// How Marp renders the wirelab decks: our theme, no address outside the file, pictures inside the HTML.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))

// Puts each ![](pictures/….svg) into the page as a data address, so that one HTML file is the whole deck.
// A picture that is missing stops the build.
const inlinePictures = (markdown) => {
  markdown.core.ruler.after('inline', 'wirelab_inline_pictures', ({ tokens }) => {
    const images = tokens.flatMap((token) => token.children ?? []).filter((token) => token.type === 'image')
    for (const image of images) {
      const source = image.attrGet('src')
      if (!source.endsWith('.svg')) throw new Error(`${source}: a picture on a slide is a file in pictures/*.svg`)
      const svg = readFileSync(path.join(here, decodeURI(source)))
      image.attrSet('src', `data:image/svg+xml;base64,${svg.toString('base64')}`)
    }
  })
}

export default {
  engine: ({ marp }) => marp.use(inlinePictures),
  themeSet: path.join(here, 'theme.css'),
  options: {
    emoji: { shortcode: false, unicode: false }, // Marp's own would come from a server
    math: false,
  },
}
