//! HTML as text. What is written as `raw` is part of this program; everything else is escaped.

use jiff::Timestamp;
use nightshift_core::release::approve::day_and_time;

use super::STYLE;

/// A page while it is being written.
pub(super) struct Html(String);

impl Html {
    /// A page's beginning, up to its main part.
    pub fn begin(title: &str) -> Self {
        let mut html = Self("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n".to_owned());
        html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"robots\" content=\"noindex\">\n");
        html.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"format-detection\" content=\"telephone=no\">\n<title>");
        html.text(title).raw(" \u{2013} Nightshift</title>\n<style>").raw(STYLE).raw("</style>\n</head>\n<body>\n<main>\n");
        html
    }

    /// The whole page.
    pub fn end(mut self) -> String {
        self.raw("</main>\n</body>\n</html>\n");
        self.0
    }

    /// Only what is written in this program gets in unescaped.
    pub fn raw(&mut self, html: &'static str) -> &mut Self {
        self.0.push_str(html);
        self
    }

    /// Text, as it is read; also for attributes in double quotes.
    pub fn text(&mut self, text: &str) -> &mut Self {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // Characters that turn the reading direction could make one thing look like another.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => self.0.push('\u{fffd}'),
                letter if letter.is_control() => self.0.push(' '),
                letter => self.0.push(letter),
            }
        }
        self
    }

    pub fn time(&mut self, at: Timestamp) -> &mut Self {
        self.raw("<time datetime=\"").text(&at.to_string()).raw("\">").text(&day_and_time(at)).raw("</time>")
    }

    /// A link to an address that was judged safe; it learns nothing of this page.
    pub fn link(&mut self, address: &str, words: &str) -> &mut Self {
        self.raw("<a href=\"").text(address).raw("\" rel=\"noopener noreferrer\">").text(words).raw("</a>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let mut html = Html(String::new());
        html.text("<b onclick=\"x\" id='y'>&amp;\u{202e}\n");
        assert_eq!(html.0, "&lt;b onclick=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;\u{fffd} ");
    }
}
